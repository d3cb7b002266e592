package differential

import (
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
	info, links := byte(8), []byte(nil)
	if origin != nil {
		info |= 0x80
		links = origin.append(links)
	}
	if right != nil {
		info |= 0x40
		links = right.append(links)
	}
	if info == 8 {
		links = []byte("\x01\x05array")
	}
	return append(append([]byte{info}, links...), 1, 0x7e)
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
			s := blocks.NewWith(blocks.Options{HoldPending: true, Try: func(document []byte) error {
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
		s := blocks.NewWith(blocks.Options{HoldPending: true, Try: func(document []byte) error {
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
