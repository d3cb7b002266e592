package buslayer_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/layertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opener returns a function that opens the layer of another process at a broker.
func opener(t testing.TB, b *membus.Broker) func(name string) *buslayer.Layer {
	return func(name string) *buslayer.Layer {
		return buslayer.New(b.Connect(), buslayer.Config{Name: name, Logger: testkit.Logger(t)})
	}
}

// TestConformance checks processes that are apart, and a process that has all parts.
func TestConformance(t *testing.T) {
	t.Run("apart", func(t *testing.T) {
		layertest.Run(t, func(t *testing.T) layer.Layer {
			return membus.NewApart(t, opener(t, membus.New(layertest.Faults{})), nil)
		})
	})
	t.Run("one process", func(t *testing.T) {
		layertest.Run(t, func(t *testing.T) layer.Layer {
			return membus.Open(t, opener(t, membus.New(layertest.Faults{})), "all")
		})
	})
}

func TestFaults(t *testing.T) {
	t.Run("apart", func(t *testing.T) {
		layertest.RunFaults(t, func(t *testing.T, f layertest.Faults) (layer.Layer, func()) {
			b := membus.New(f)
			return membus.NewApart(t, opener(t, b), b.Cut), b.Stop
		})
	})
	t.Run("one process", func(t *testing.T) {
		layertest.RunFaults(t, func(t *testing.T, f layertest.Faults) (layer.Layer, func()) {
			b := membus.New(f)
			return membus.Open(t, opener(t, b), "all"), b.Stop
		})
	})
}
