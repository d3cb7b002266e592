package buslayer_test

import (
	"testing"

	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/layer/layertest"
)

// BenchmarkEdit measures what the layer costs without a broker.
func BenchmarkEdit(b *testing.B) {
	membus.BenchmarkEdit(b, membus.NewApart(b, opener(b, membus.New(layertest.Faults{})), nil))
}
