package worker

import (
	"sync"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
)

// Slices that a turn needs and nobody keeps.
var (
	inputs  scratch[room.Input]
	outputs scratch[layer.Output]
)

type scratch[T any] struct{ pool sync.Pool }

// take gives an empty slice.
func (s *scratch[T]) take() *[]T {
	if v, ok := s.pool.Get().(*[]T); ok {
		return v
	}
	return new([]T)
}

// giveBack takes the slice back; what it holds is forgotten.
func (s *scratch[T]) giveBack(v *[]T) {
	clear(*v)
	*v = (*v)[:0]
	s.pool.Put(v)
}
