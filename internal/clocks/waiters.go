package clocks

// Waiter is a client C that can't continue before another client's element at
// Clock is there.
type Waiter[C any] struct {
	Clock  uint64
	Client C
}

// Waiters is the waiters for the elements of one client: a binary heap with the
// lowest clock first. The zero value is empty.
type Waiters[C any] []Waiter[C]

// Push adds a waiter.
func (w *Waiters[C]) Push(x Waiter[C]) {
	h := append(*w, x)
	i := len(h) - 1
	for i > 0 && h[(i-1)/2].Clock > x.Clock {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = x
	*w = h
}

// Pop removes a waiter for the lowest clock and returns it. It reports false
// and removes none if no waiter is for an element before end.
func (w *Waiters[C]) Pop(end uint64) (x Waiter[C], ok bool) {
	h := *w
	if len(h) == 0 || h[0].Clock >= end {
		return x, false
	}
	x = h[0]
	last := h[len(h)-1]
	h[len(h)-1] = Waiter[C]{} // so that it doesn't keep a client alive
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1].Clock < h[child].Clock {
			child++
		}
		if child >= len(h) || h[child].Clock >= last.Clock {
			h[i] = last
			break
		}
		h[i] = h[child]
		i = child
	}
	*w = h
	return x, true
}
