package memstore_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return memstore.New() })
}

func TestSharedConformance(t *testing.T) {
	storetest.RunShared(t, func(*testing.T) func() store.Store {
		s := memstore.New()
		return func() store.Store { return s }
	})
}

func TestZeroValue(t *testing.T) {
	storetest.Run(t, func(*testing.T) store.Store { return new(memstore.Store) })
}

func TestAppendAllocates(t *testing.T) {
	s := memstore.New()
	data := []byte("an update")
	got := testing.AllocsPerRun(1000, func() {
		if _, err := s.Append(t.Context(), "room", store.Entry{Encoding: store.V1, Data: data}); err != nil {
			t.Fatal(err)
		}
	})
	if got > 1 {
		t.Errorf("an append makes %v allocations, want 1: the copy of its data", got)
	}
}
