package differential

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/yjs"
)

// valueBetween returns a block of a client with a value, after the element origin and before
// the element right, which may be nil.
func valueBetween(origin, right *element) []byte {
	info, links := between(origin, right)
	if info == 0 {
		links = []byte("\x01\x05array")
	}
	return append(append([]byte{info | 8}, links...), 1, 0x7e)
}

// freezing holds blocks of client 1 for which yjs takes a time that grows with the
// square of their number.
var freezing = map[string]func(n uint64) [][]byte{
	"each before another child of one element": func(n uint64) (list [][]byte) {
		first := &element{1, 0}
		list = append(list, valueBetween(nil, nil))
		for range n {
			list = append(list, valueBetween(first, nil))
		}
		for i := range n {
			list = append(list, valueBetween(first, &element{1, 1 + i}))
		}
		return list
	},
	"at the start, each before another": func(n uint64) (list [][]byte) {
		for range n {
			list = append(list, valueBetween(nil, nil))
		}
		for i := range n {
			list = append(list, valueBetween(nil, &element{1, i}))
		}
		return list
	},
	"each before an element further right": func(n uint64) (list [][]byte) {
		list = append(list, valueBetween(nil, nil))
		for i := range n {
			list = append(list, valueBetween(&element{1, i}, nil))
		}
		for i := range n {
			list = append(list, valueBetween(&element{1, i}, nil)) // the second child of each
		}
		last := &element{1, n}
		for i := range n {
			list = append(list, valueBetween(last, &element{1, n + 1 + i}))
		}
		return list
	},
	"each before an element in the middle": func(n uint64) (list [][]byte) {
		list = append(list, valueBetween(nil, nil))
		for i := range n {
			list = append(list, valueBetween(&element{1, i}, nil))
		}
		for i := range n {
			list = append(list, valueBetween(nil, &element{1, i}))
		}
		return list
	},
}

// TestFreezingUpdatesAreRefused sends blocks that freeze clients, at once and bit by
// bit. What is taken must load fast.
func TestFreezingUpdatesAreRefused(t *testing.T) {
	const n = 12_000
	o := startOracle(t)
	for name, shape := range freezing {
		list := shape(n)
		for _, step := range []int{len(list), 200, 1} {
			tries := 0
			s := newHolding(blocks.Options{Try: func(document []byte) error {
				tries++
				return yjs.Try(document)
			}})
			var err error
			for at := 0; at < len(list) && err == nil; at += step {
				part := list[at:min(at+step, len(list))]
				update := binary.AppendUvarint([]byte{1}, uint64(len(part)))
				update = binary.AppendUvarint(append(update, 1), uint64(at))
				for _, b := range part {
					update = append(update, b...)
				}
				_, err = s.Apply(append(update, 0), blocks.V1)
			}
			if !errors.Is(err, blocks.ErrLimit) && !errors.Is(err, blocks.ErrMalformed) {
				t.Errorf("%s, %d at once: %v", name, step, err)
			}
			var took struct {
				Milliseconds float64 `json:"milliseconds"`
			}
			o.ask(t, map[string]any{"op": "load", "update": s.Encode(blocks.V1)}, &took)
			t.Logf("%s, %d at once: after %d tries: %v; what was taken loads in %.0f ms", name, step, tries, err, took.Milliseconds)
			if took.Milliseconds > 1000 {
				t.Errorf("%s, %d at once: what was taken takes %.0f ms", name, step, took.Milliseconds)
			}
		}
	}
}

// TestManyPlaces inserts at so many places in turns that not all of them can be kept in
// mind: at each, first before the newest element, and then before an earlier one.
func TestManyPlaces(t *testing.T) {
	const places, rounds = 600, 300
	s := newHolding(blocks.Options{Try: yjs.Try})
	send := func(client, clock, count uint64, wire []byte) error {
		update := binary.AppendUvarint([]byte{1}, count)
		update = binary.AppendUvarint(append(update, byte(client)), clock)
		_, err := s.Apply(append(append(update, wire...), 0), blocks.V1)
		return err
	}
	wire := binary.AppendUvarint([]byte("\x08\x01\x05array"), 2*places)
	if err := send(1, 0, 1, append(wire, bytes.Repeat([]byte{0x7e}, 2*places)...)); err != nil {
		t.Fatal(err)
	}
	for _, client := range []uint64{9, 8} {
		for round := range uint64(rounds) {
			wire = nil
			for i := range uint64(places) {
				right := &element{9, round*places + i}
				switch {
				case client == 9 && round == 0:
					right = &element{1, 2*i + 1}
				case client == 9:
					right.clock -= places
				}
				wire = append(wire, valueBetween(&element{1, 2 * i}, right)...)
			}
			if err := send(client, round*places, places, wire); err != nil {
				if client == 9 || !errors.Is(err, blocks.ErrLimit) {
					t.Errorf("client %d, round %d: %v", client, round, err)
				}
				return
			}
		}
	}
	t.Error("all of it was taken")
}

// TestRecordedHistoriesAreTaken applies the histories of many authors, with long
// branches, as a client that has all of them would send them.
func TestRecordedHistoriesAreTaken(t *testing.T) {
	folder := os.Getenv("YROOM_TRACES")
	if folder == "" {
		t.Skip("YROOM_TRACES is not set to the folder with the recorded sessions")
	}
	files, err := filepath.Glob(filepath.Join(folder, "egwalker", "*.yjs"))
	if err != nil || len(files) < 7 {
		testkit.Missingf(t, "the histories of egwalker are not in %s: %v", folder, err)
	}
	for _, file := range files {
		history, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tries := 0
		s := newHolding(blocks.Options{Try: func(document []byte) error {
			tries++
			return yjs.Try(document)
		}})
		// An export of another server may be larger in V1 than an update in V2 may expand to.
		v1, err := blocks.Convert(blocks.V2, blocks.V1, history)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Apply(v1, blocks.V1); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		if err := yjs.Try(v1); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		t.Logf("%s: %d tries", filepath.Base(file), tries)
	}
}
