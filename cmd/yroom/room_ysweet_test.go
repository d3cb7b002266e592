package main

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
)

// sweet encodes a file of y-sweet: keys and values in turn.
func sweet(pairs ...string) []byte {
	file := binary.LittleEndian.AppendUint64(nil, uint64(len(pairs)/2))
	for _, text := range pairs {
		file = append(binary.LittleEndian.AppendUint64(file, uint64(len(text))), text...)
	}
	return file
}

func TestSweetUpdates(t *testing.T) {
	const number, of = "\x00\x00\x00\x01", sweetOf + "\x00\x00\x00\x01"
	first, second := typedTwice(1)
	doc := blocks.New()
	if err := doc.Load(first, blocks.V1); err != nil {
		t.Fatal(err)
	}
	state := []string{sweetName, number, of + "\x00", string(first), of + "\x01", string(doc.StateVector())}
	if err := doc.Load(second, blocks.V1); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		file []byte
		want [][]byte
		says string
	}{
		"joined":           {sweet(state...), [][]byte{first}, ""},
		"with updates":     {sweet(append(state, of+"\x02\x00\x00\x00\x01\x00", string(second))...), [][]byte{first, second}, ""},
		"with other data":  {sweet(append(state, of+"\x03key\x00", "value", sweetOf+"\x00\x00\x00\x02\x00", "x")...), [][]byte{first}, ""},
		"only an update":   {sweet(sweetName, number, of+"\x02\x00\x00\x00\x01\x00", string(first)), [][]byte{first}, ""},
		"nothing written":  {sweet(), [][]byte{{0, 0}}, ""},
		"an update lost":   {sweet(sweetName, number, of+"\x00", string(first), of+"\x01", string(doc.StateVector())), [][]byte{first}, "some updates are lost"},
		"no update":        {sweet(sweetName, number), nil, ""},
		"no document":      {sweet("\x00\x00other\x00", number), nil, errSweet.Error()},
		"no file":          {nil, nil, errSweet.Error()},
		"more at its end":  {append(sweet(state...), 0), nil, errSweet.Error()},
		"an update":        {first, nil, errSweet.Error()},
		"no state vector":  {sweet(sweetName, number, of+"\x00", string(first), of+"\x01", "\xff"), [][]byte{first}, "state vector can't be read"},
		"no update in it":  {sweet(sweetName, number, of+"\x00", "\xff", of+"\x01", "\x00"), [][]byte{{0xff}}, "update 0"},
		"a large number":   {append(sweet(state...)[:8], strings.Repeat("\xff", 8)...), nil, errSweet.Error()},
		"many in a number": {[]byte(strings.Repeat("\xff", 8)), nil, errSweet.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			updates, err := sweetUpdates(test.file)
			if diff := cmp.Diff(test.want, updates); diff != "" {
				t.Errorf("updates (-want +got):\n%s", diff)
			}
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, want one with %q", err, test.says)
			}
		})
	}
	whole := sweet(state...)
	for n := range whole {
		if updates, err := sweetUpdates(whole[:n]); !errors.Is(err, errSweet) {
			t.Errorf("the first %d bytes of %d: %d updates, error %v", n, len(whole), len(updates), err)
		}
	}
}

// Nothing is written of a document that would change, and the others are imported.
func TestImportYSweet(t *testing.T) {
	const number, of = "\x00\x00\x00\x01", sweetOf + "\x00\x00\x00\x01"
	dir := t.TempDir()
	emptyStore(t, filepath.Join(dir, "yroom.db"), 0)
	first, second := typedTwice(1)
	for name, file := range map[string][]byte{
		"whole":      sweet(sweetName, number, of+"\x00", string(first), of+"\x02\x00\x00\x00\x01\x00", string(second)),
		"cut off":    sweet(sweetName, number, of+"\x00", string(first))[:40],
		"incomplete": sweet(sweetName, number, of+"\x00", string(second)),
		"foreign":    sweet(sweetName, number, of+"\x00", "\x1f\x8b\x08\x00"),
		"no update":  sweet(sweetName, number),
	} {
		if err := os.MkdirAll(filepath.Join(dir, "data", name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "data", name, "data.ysweet"), file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	store := []string{"--store", "sqlite:yroom.db"}
	out, status := room(t, dir, append(store, "import", "--y-sweet", "data")...)
	if out != "whole\n" || status != 1 {
		t.Errorf("imported %q with the exit status %d", out, status)
	}
	if got, _ := room(t, dir, append(store, "list")...); got != "whole\n" {
		t.Errorf("the store has %q", got)
	}
	if got, _ := room(t, dir, append(store, "export", "whole", "--format", "text", "--name", "text")...); got != "hello world" {
		t.Errorf("the document is %q", got)
	}
}
