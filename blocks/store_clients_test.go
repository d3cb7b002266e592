package blocks

import (
	"bytes"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"

	"github.com/yroom/yroom/internal/lib0"
)

// manyClients holds updates of n clients each, beginning with the client first.
var manyClients = map[string]func(first, n uint64) []byte{
	"blocks": func(first, n uint64) []byte {
		u := lib0.AppendUint(nil, n)
		for client := first + n; client > first; client-- {
			u = append(lib0.AppendUint(append(u, 1), client-1), 0, byte(kindBinary), 1, 1, 't', 0)
		}
		return append(u, 0)
	},
	"two blocks of each": func(first, n uint64) []byte {
		u := lib0.AppendUint(nil, n)
		for client := first + n; client > first; client-- {
			u = append(lib0.AppendUint(append(u, 2), client-1), 0, byte(kindBinary), 1, 1, 't', 0, byte(kindBinary), 1, 1, 't', 0)
		}
		return append(u, 0)
	},
	"in ascending order": func(first, n uint64) []byte {
		u := lib0.AppendUint(nil, n)
		for i := range n {
			u = append(lib0.AppendUint(append(u, 1), first+i), 0, byte(kindBinary), 1, 1, 't', 0)
		}
		return append(u, 0)
	},
	"deletions": func(first, n uint64) []byte {
		u := lib0.AppendUint([]byte{0}, n)
		for i := range n {
			u = append(lib0.AppendUint(u, first+i), 1, 0, 1)
		}
		return u
	},
	"blocks that wait for earlier ones": func(first, n uint64) []byte {
		u := lib0.AppendUint(nil, n)
		for client := first + n; client > first; client-- {
			u = append(lib0.AppendUint(append(u, 1), client-1), 5, byte(kindBinary), 1, 1, 't', 0)
		}
		return append(u, 0)
	},
	"blocks that each wait for another client": func(first, n uint64) []byte {
		u := lib0.AppendUint(nil, n/2)
		for client := first + n; client > first; client -= 2 {
			u = append(lib0.AppendUint(append(u, 1), client-1), 0, byte(kindBinary)|hasOrigin)
			u = append(lib0.AppendUint(u, client-2), 0, 0)
		}
		return append(u, 0)
	},
}

func TestClientsAreBounded(t *testing.T) {
	const most = 100
	for name, update := range manyClients {
		for _, enc := range []Encoding{V1, V2} {
			in := func(u []byte) []byte { return fromV1(u, enc) }
			s := NewWith(Options{MaxClients: most})
			refuse := func(u []byte) {
				t.Helper()
				before := s.Encode(V1)
				_, err := s.Apply(in(u), enc)
				if !errors.Is(err, ErrLimit) || !strings.Contains(err.Error(), "more than 100 clients") {
					t.Errorf("%s in V%d: %v", name, enc, err)
				}
				if !bytes.Equal(before, s.Encode(V1)) {
					t.Errorf("%s in V%d: the document has changed", name, enc)
				}
				check(t, s)
			}
			refuse(update(0, most+2))
			if _, err := s.Apply(in(update(0, most)), enc); err != nil {
				t.Fatalf("%s in V%d: %v", name, enc, err)
			}
			for name, other := range manyClients {
				refuse(other(5000, 2))
				if name != "blocks that each wait for another client" {
					refuse(other(most-1, 2)) // one of them is known
				}
			}
			// The clients that the document has can write on.
			wantApplied(t, s, []byte{0, 1, 0, 1, 100, 1})
			if _, err := s.Apply(in(update(0, most)), enc); err != nil {
				t.Errorf("%s in V%d again: %v", name, enc, err)
			}
			// So they can in a document that has more of them already.
			if err := s.Load(in(update(5000, 100)), enc); err != nil {
				t.Fatal(err)
			}
			refuse(manyClients["blocks"](9000, 1))
			wantApplied(t, s, []byte{0, 1, 1, 1, 100, 1})
			if ok, err := s.Contains(s.Encode(enc), enc); !ok || err != nil {
				t.Error(ok, err)
			}
			if _, err := s.Apply(s.Encode(enc), enc); err != nil {
				t.Errorf("%s in V%d: the whole document: %v", name, enc, err)
			}
		}
	}
}

// TestRefusedClientsTakeNoMemory measures what an update of a million clients allocates
// before it is refused.
func TestRefusedClientsTakeNoMemory(t *testing.T) {
	testkit.SkipUnderRace(t)
	for name, update := range manyClients {
		u := update(0, 1_000_000)
		s := NewWith(Options{MaxPending: 1 << 30})
		took := allocated(func() {
			if _, err := s.Apply(u, V1); !errors.Is(err, ErrLimit) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if t.Logf("%s: %d bytes for %d", name, took, len(u)); took > 1000*uint64(s.options.MaxClients) {
			t.Errorf("%s: an update of %d bytes takes %d bytes before it is refused", name, len(u), took)
		}
		if len(s.byID) > 0 {
			t.Errorf("%s: %d clients are left", name, len(s.byID))
		}
		// The document is full: one more client costs next to nothing.
		if _, err := s.Apply(update(0, uint64(s.options.MaxClients)), V1); err != nil {
			t.Fatal(err)
		}
		took = allocated(func() {
			if _, err := s.Apply(update(100_000, 100_000), V1); !errors.Is(err, ErrLimit) {
				t.Errorf("%s: %v", name, err)
			}
		})
		if t.Logf("%s: %d bytes by a full document", name, took); took > uint64(10*len(u)) {
			t.Errorf("%s: a full document takes %d bytes before it refuses an update of %d bytes", name, took, len(u))
		}
	}
}

// TestContainsIsBounded measures what Contains allocates for an update of a million clients,
// which a document can't have. It is called for updates of clients that may not write.
func TestContainsIsBounded(t *testing.T) {
	for name, update := range manyClients {
		u := update(0, 1_000_000)
		s := NewWith(Options{MaxClients: 1000})
		took := allocated(func() {
			if ok, err := s.Contains(u, V1); ok || err != nil {
				t.Errorf("%s: %v, %v", name, ok, err)
			}
		})
		if t.Logf("%s: %d bytes for %d", name, took, len(u)); took > 1<<20 {
			t.Errorf("%s: an update of %d bytes takes %d bytes", name, len(u), took)
		}
		// A document that was loaded may have more.
		if err := s.Load(update(0, 5000), V1); err != nil {
			t.Fatal(err)
		}
		if ok, err := s.Contains(update(0, 5000), V1); !ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
		if ok, err := s.Contains(update(0, 7000), V1); ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
	}
}

// allocated returns how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestClientSize measures what clients take, which must be about what counts for them.
func TestClientSize(t *testing.T) {
	const n = 30_000
	for name, update := range manyClients {
		s := NewWith(Options{MaxPending: 1 << 30})
		before := heap()
		if _, err := s.Apply(update(0, n), V1); err != nil {
			t.Fatal(err)
		}
		s.StateVector()
		took, counted := int(heap()-before)/n, s.total()/n
		if t.Logf("%s: a client takes %d bytes, %d are counted", name, took, counted); took > counted || took < counted/3 {
			t.Errorf("%s: a client takes %d bytes, but %d are counted", name, took, counted)
		}
		runtime.KeepAlive(s)
	}
}

// heap returns the size of the heap in bytes.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
