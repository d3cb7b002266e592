package differential

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
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

// sent is a block as a client sends it.
type sent struct {
	client, clock uint64
	wire          []byte
}

// byOne returns blocks of client 1, of one element each.
func byOne(wires [][]byte) (list []sent) {
	for i, wire := range wires {
		list = append(list, sent{1, uint64(i), wire})
	}
	return list
}

// updates returns updates with at most so many of the blocks each, and with those of one
// client.
func updates(list []sent, most int) (updates [][]byte) {
	for len(list) > 0 {
		n := 1
		for n < min(most, len(list)) && list[n].client == list[0].client {
			n++
		}
		update := binary.AppendUvarint([]byte{1}, uint64(n))
		update = binary.AppendUvarint(binary.AppendUvarint(update, list[0].client), list[0].clock)
		for _, b := range list[:n] {
			update = append(update, b.wire...)
		}
		updates, list = append(updates, append(update, 0)), list[n:]
	}
	return updates
}

// freezing holds blocks for which yjs takes a time that grows with the square of their
// number.
var freezing = map[string]func(n uint64) []sent{
	"each before another child of one element": func(n uint64) []sent {
		first := &element{1, 0}
		list := [][]byte{valueBetween(nil, nil)}
		for range n {
			list = append(list, valueBetween(first, nil))
		}
		for i := range n {
			list = append(list, valueBetween(first, &element{1, 1 + i}))
		}
		return byOne(list)
	},
	"at the start, each before another": func(n uint64) []sent {
		var list [][]byte
		for range n {
			list = append(list, valueBetween(nil, nil))
		}
		for i := range n {
			list = append(list, valueBetween(nil, &element{1, i}))
		}
		return byOne(list)
	},
	"each before an element further right": func(n uint64) []sent {
		list := [][]byte{valueBetween(nil, nil)}
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
		return byOne(list)
	},
	"each before an element in the middle": func(n uint64) []sent {
		list := [][]byte{valueBetween(nil, nil)}
		for i := range n {
			list = append(list, valueBetween(&element{1, i}, nil))
		}
		for i := range n {
			list = append(list, valueBetween(nil, &element{1, i}))
		}
		return byOne(list)
	},
	"each at another place, before the end": func(n uint64) []sent {
		values := binary.AppendUvarint([]byte("\x08\x01\x05array"), n)
		end := &element{6, 0}
		list := []sent{{5, 0, append(values, bytes.Repeat([]byte{0x7e}, int(n))...)}, {6, 0, valueBetween(&element{5, 0}, nil)}}
		for i := range n - 1 {
			list = append(list, sent{1, i, valueBetween(&element{5, n - 1 - i}, end)})
		}
		return list
	},
	"behind others, each before the one before": func(n uint64) []sent {
		first, last := &element{2, 0}, &element{2, n}
		list := []sent{{2, 0, valueBetween(nil, nil)}, {2, 1, valueBetween(first, nil)}}
		for i := range n - 1 {
			list = append(list, sent{2, 2 + i, valueBetween(first, &element{2, 1 + i})})
		}
		// The first block of client 9 refers to the last one of client 2, so that all of these come before it.
		list = append(list, sent{9, 0, valueBetween(last, &element{2, n - 1})}, sent{9, 1, valueBetween(first, nil)})
		for i := range n - 1 {
			list = append(list, sent{9, 2 + i, valueBetween(first, &element{9, 1 + i})})
		}
		return list
	},
	"at the start, before blocks of two clients": func(n uint64) (list []sent) {
		list = append(list, sent{5, 0, valueBetween(nil, nil)})
		for i := range n {
			list = append(list, sent{5 + (i+1)%2, (i + 1) / 2, valueBetween(nil, &element{5 + i%2, i / 2})})
		}
		for i := range n {
			list = append(list, sent{1, i, valueBetween(nil, &element{5 + i%2, i / 2})})
		}
		return list
	},
	"behind a row of types": func(n uint64) []sent {
		first := &element{2, 0}
		list := []sent{{2, 0, valueBetween(nil, nil)}, {3, 0, typeAfter(first)}}
		for i := range n {
			list = append(list, sent{3, 1 + i, typeAfter(&element{3, i})})
		}
		for i := range n {
			list = append(list, sent{2, 1 + i, valueBetween(first, &element{3, 0})})
		}
		// So that all of these come before those of client 9.
		list = append(list, sent{9, 0, valueBetween(&element{3, n}, nil)}, sent{9, 1, valueBetween(&element{2, n}, &element{2, n - 1})})
		for i := range n {
			list = append(list, sent{9, 2 + i, valueBetween(first, nil)})
		}
		return list
	},
}

// typeAfter returns a block with a type, after an element.
func typeAfter(origin *element) []byte {
	info, links := between(origin, nil)
	return append(append([]byte{info | 7}, links...), 0)
}

// untried is the size of a document that is too large for a trial.
const untried = 33 << 20

const filling = 1 << 31 // the client that fills documents

// tried returns a document of a size that tries updates, and counts how often.
func tried(t *testing.T, size int) (s *blocks.Store, tries *int) {
	t.Helper()
	tries = new(int)
	s = blocks.NewWith(blocks.Options{Try: func(updates func() [][]byte) error {
		*tries++
		return yjs.Try(updates()...)
	}})
	if size > 0 {
		if err := s.Load(testkit.TypedIn("filling", filling, 0, strings.Repeat("x", size)), blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	return s, tries
}

// TestFreezingUpdatesAreRefused sends blocks that freeze clients, at once and bit by
// bit, to an empty document, to one of 15 MB, and to one that is too large for a trial. What is
// taken must load fast.
func TestFreezingUpdatesAreRefused(t *testing.T) {
	const n = 8000
	o := startOracle(t)
	filled := binary.AppendUvarint(binary.AppendUvarint([]byte{1}, filling), untried)
	for size, name := range map[int]string{0: "an empty document", 15 << 20: "a document of 15 MiB", untried: "a document of 33 MiB"} {
		t.Run(name, func(t *testing.T) {
			for name, shape := range freezing {
				list := shape(n)
				steps := []int{len(list), 1}
				if size == 0 {
					freezes(t, name, list)
					steps = append(steps, 200)
				}
				for _, step := range steps {
					s, tries := tried(t, size)
					var err error
					for _, update := range updates(list, step) {
						if _, err = s.Apply(update, blocks.V1); err != nil {
							break
						}
					}
					if !errors.Is(err, blocks.ErrLimit) && !errors.Is(err, blocks.ErrMalformed) {
						t.Errorf("%s, %d at once: %v", name, step, err)
					}
					taken, failed := s.Diff(filled, blocks.V1)
					if failed != nil {
						t.Fatal(failed)
					}
					var took struct {
						Milliseconds float64 `json:"milliseconds"`
					}
					o.ask(t, map[string]any{"op": "load", "update": taken}, &took)
					t.Logf("%s, %d at once: after %d tries: %v; what was taken loads in %.0f ms", name, step, *tries, err, took.Milliseconds)
					if took.Milliseconds > 1000 {
						t.Errorf("%s, %d at once: what was taken takes %.0f ms", name, step, took.Milliseconds)
					}
				}
			}
		})
	}
}

// freezes checks that yjs takes too long for the blocks, if they are taken.
func freezes(t *testing.T, name string, list []sent) {
	t.Helper()
	s := blocks.New()
	for _, update := range updates(list, 1) {
		if _, err := s.Apply(update, blocks.V1); errors.Is(err, blocks.ErrMalformed) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := yjs.Try(s.Encode(blocks.V1)); !errors.Is(err, yjs.ErrWork) {
		t.Errorf("%s: %v", name, err)
	}
}

// lateFreezing holds blocks that cost little when they arrive, and freeze clients once all of
// them are there.
var lateFreezing = map[string]func(n uint64) []sent{
	// Each of a thousand clients continues its block, beside which the next client begins.
	// Clients integrate the continuations last, and then compare each with all types.
	"in blocks of many clients": func(n uint64) []sent {
		const clients, first = 1000, 100
		end := &element{1, 1}
		list := []sent{{1, 0, valueBetween(nil, nil)}, {1, 1, valueBetween(&element{1, 0}, nil)}, {first, 0, valueBetween(&element{1, 0}, end)}}
		for client := uint64(first); client < first+clients; client++ {
			list = append(list,
				sent{client, 1, valueBetween(&element{client, 0}, nil)},
				sent{client + 1, 0, valueBetween(&element{client, 0}, end)})
		}
		for i := range n {
			list = append(list, sent{first + clients, i + 1, typeAfter(&element{first + clients, i})})
		}
		return list
	},
	// Clients integrate the last block first, and with it all of client 2.
	"in another order": func(n uint64) []sent {
		first := &element{1, 0}
		list := []sent{{1, 0, valueBetween(nil, nil)}}
		for _, client := range []uint64{9, 2} {
			list = append(list, sent{client, 0, valueBetween(first, nil)})
			for i := range n - 1 {
				list = append(list, sent{client, i + 1, valueBetween(first, &element{client, i})})
			}
		}
		return append(list, sent{10, 0, valueBetween(&element{2, n - 1}, &element{2, n - 2})})
	},
}

// TestLateFreezesAreFound checks that the trial of a whole document, as that of a compaction,
// finds what was accepted.
func TestLateFreezesAreFound(t *testing.T) {
	for name, shape := range lateFreezing {
		s, _ := tried(t, 0)
		for _, update := range updates(shape(8000), 1) {
			if _, err := s.Apply(update, blocks.V1); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if err := s.Try(); !errors.Is(err, yjs.ErrWork) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLiveFreezesAreRefused sends blocks that freeze the clients that are connected, and not
// those that load the document: each is inserted after another element of a long row, as if
// its client had seen nothing behind it. yjs takes 8 seconds for them.
func TestLiveFreezesAreRefused(t *testing.T) {
	const row, n = 100_000, 400
	var first, second, end []sent
	first = append(first, sent{1, 0, valueBetween(nil, nil)})
	for i := range uint64(row) {
		first = append(first, sent{1, i + 1, typeAfter(&element{1, i})})
	}
	for i := range uint64(n) {
		second = append(second, sent{2, i, typeAfter(&element{1, 2 * i})})
		if i == 0 {
			end = append(end, sent{3, 0, typeAfter(&element{1, row})})
		} else {
			end = append(end, sent{3, i, typeAfter(&element{3, i - 1})})
		}
	}
	s, _ := tried(t, 0)
	for _, update := range updates(first, len(first)) {
		if _, err := s.Apply(update, blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	for _, update := range updates(second, len(second)) {
		if _, err := s.Apply(update, blocks.V1); !errors.Is(err, blocks.ErrLimit) {
			t.Errorf("freezing blocks: %v", err)
		}
	}
	for _, update := range updates(end, len(end)) {
		if _, err := s.Apply(update, blocks.V1); err != nil {
			t.Errorf("blocks at the end: %v", err)
		}
	}
	if n := s.Freezes(); n != 1 {
		t.Errorf("%d updates were refused", n)
	}
}

// TestManyPlaces inserts at so many places in turns that not all of them can be kept in
// mind: at each, first before the newest element, and then before an earlier one.
func TestManyPlaces(t *testing.T) {
	const places, rounds = 600, 300
	s, _ := tried(t, 0)
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
