package worker

import (
	"sync"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// Slices that are needed within a turn only.
var (
	inputs  scratch[event.Input]
	outputs scratch[layer.Output]
)

// scratch is a pool of slices.
type scratch[T any] struct{ pool sync.Pool }

// take returns an empty slice.
func (s *scratch[T]) take() *[]T {
	if v, ok := s.pool.Get().(*[]T); ok {
		return v
	}
	return new([]T)
}

// giveBack clears the slice and puts it back into the pool.
func (s *scratch[T]) giveBack(v *[]T) {
	clear(*v)
	*v = (*v)[:0]
	s.pool.Put(v)
}
