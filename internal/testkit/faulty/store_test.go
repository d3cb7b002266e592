package faulty_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return faulty.New(memstore.New()) })
}

var errFault = errors.New("a fault")

// calls makes one call of each method. The room exists.
func calls(s store.Store) map[faulty.Op]error {
	ctx := context.Background()
	e := store.Entry{Encoding: store.V1, Data: []byte{0, 0}}
	results := map[faulty.Op]error{}
	_, results[faulty.Load] = s.Load(ctx, "room")
	_, results[faulty.LoadAfter] = s.LoadAfter(ctx, "room", 0)
	_, results[faulty.Append] = s.Append(ctx, "room", e)
	results[faulty.Compact] = s.Compact(ctx, "room", store.Log{}, e)
	_, results[faulty.Create] = s.Create(ctx, "other", e)
	results[faulty.Delete] = s.Delete(ctx, "third")
	_, results[faulty.List] = s.List(ctx, "", "", 10)
	return results
}

func newStore(t *testing.T) *faulty.Store {
	t.Helper()
	behind := memstore.New()
	for _, room := range []string{"room", "third"} {
		if _, err := behind.Append(t.Context(), room, store.Entry{Encoding: store.V1, Data: []byte{0, 0}}); err != nil {
			t.Fatal(err)
		}
	}
	return faulty.New(behind)
}

// rooms returns how many rooms the store behind holds, and how many entries one has.
func rooms(t *testing.T, s *faulty.Store) (n, entries int) {
	t.Helper()
	all, err := s.Store.List(t.Context(), "", "", 10)
	if err != nil {
		t.Fatal(err)
	}
	log, err := s.Store.Load(t.Context(), "room")
	if err != nil {
		t.Fatal(err)
	}
	return len(all), len(log.Entries)
}

func TestFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault faulty.Fault
		read  error // of loads
		other error
		done  bool
	}{
		{"none", nil, nil, nil, true},
		{"Fail", faulty.Fail(errFault), errFault, errFault, false},
		{"FailAfter", faulty.FailAfter(errFault), errFault, errFault, true},
		{"NoPosition", faulty.NoPosition, nil, nil, true},
		{"Drop", faulty.Drop, store.ErrNotFound, nil, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStore(t)
			s.Set(test.fault)
			for op, err := range calls(s) {
				want := test.other
				if op == faulty.Load || op == faulty.LoadAfter {
					want = test.read
				}
				if !errors.Is(err, want) || (want == nil && err != nil) {
					t.Errorf("method %d: %v, want %v", op, err, want)
				}
				if n := s.Calls(op); n != 1 {
					t.Errorf("method %d has %d calls", op, n)
				}
			}
			wantEntries := 1
			if test.done {
				wantEntries = 3
			}
			if n, entries := rooms(t, s); n != 2 || entries != wantEntries {
				t.Errorf("there are %d rooms, and %d entries in one, want 2 and %d", n, entries, wantEntries)
			}
			_, err := s.Store.Load(t.Context(), "other")
			if created := err == nil; created != test.done {
				t.Errorf("a room was created: %v", err)
			}
		})
	}
}

func TestFaultOfOneMethod(t *testing.T) {
	s := newStore(t)
	s.Set(faulty.Fail(errors.ErrUnsupported), faulty.Create, faulty.Delete)
	for op, err := range calls(s) {
		if got, want := errors.Is(err, errors.ErrUnsupported), op == faulty.Create || op == faulty.Delete; got != want {
			t.Errorf("method %d: %v", op, err)
		}
	}
}

func TestNoPosition(t *testing.T) {
	s := newStore(t)
	s.Set(faulty.NoPosition, faulty.Append, faulty.Create)
	e := store.Entry{Encoding: store.V1, Data: []byte{0, 0}}
	if p, err := s.Append(t.Context(), "room", e); p != 0 || err != nil {
		t.Errorf("Append returned %d, %v", p, err)
	}
	if p, err := s.Create(t.Context(), "room", e); p != 0 || !errors.Is(err, store.ErrExists) {
		t.Errorf("Create returned %d, %v", p, err)
	}
}

func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, gate := newStore(t), faulty.NewGate()
		s.Set(gate.Wait, faulty.Append)
		outcome := make(chan error, 1)
		appends := func(ctx context.Context) {
			go func() {
				_, err := s.Append(ctx, "room", store.Entry{Encoding: store.V1, Data: []byte{0, 0}})
				outcome <- err
			}()
			synctest.Wait()
		}
		appends(t.Context())
		<-gate.Reached
		if n := s.Running(); n != 1 {
			t.Errorf("%d calls run", n)
		}
		gate.Release <- errFault
		if err := <-outcome; !errors.Is(err, errFault) {
			t.Error(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		appends(ctx)
		cancel()
		if err := <-outcome; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		close(gate.Release)
		appends(t.Context())
		if err := <-outcome; err != nil {
			t.Error(err)
		}
		if n := s.Running(); n != 0 {
			t.Errorf("%d calls run", n)
		}
	})
}

func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStore(t)
		s.Set(faulty.Delay(time.Second))
		start := time.Now()
		if _, err := s.Load(t.Context(), "room"); err != nil || time.Since(start) != time.Second {
			t.Errorf("Load took %v: %v", time.Since(start), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.Load(ctx, "room"); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}
