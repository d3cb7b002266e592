package link

// fifo is a first-in, first-out queue that reuses its memory.
type fifo[T any] struct {
	items []T
	head  int // the index of the first item
}

func (f *fifo[T]) len() int { return len(f.items) - f.head }

func (f *fifo[T]) push(v T) {
	if f.head > len(f.items)/2 && len(f.items) == cap(f.items) {
		n := copy(f.items, f.items[f.head:])
		clear(f.items[n:])
		f.items, f.head = f.items[:n], 0
	}
	f.items = append(f.items, v)
}

// first returns the first item, which must exist. The pointer is valid until the next
// push or pop.
func (f *fifo[T]) first() *T { return &f.items[f.head] }

// pop removes the first item, which must exist, and returns it.
func (f *fifo[T]) pop() T {
	v := f.items[f.head]
	var zero T
	f.items[f.head] = zero
	f.head++
	if f.head == len(f.items) {
		f.items, f.head = f.items[:0], 0
		if cap(f.items) > fifoKept {
			f.items = nil
		}
	}
	return v
}

// fifoKept is the largest capacity that an empty fifo keeps.
const fifoKept = 256
