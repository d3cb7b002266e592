package yjs

// waiter is a client whose next item needs another client's element at clock.
type waiter struct {
	clock  uint64
	client *client
}

// waiters is a heap, the lowest clock first.
type waiters []waiter

func (w *waiters) push(x waiter) {
	h := append(*w, x)
	i := len(h) - 1
	for i > 0 && h[(i-1)/2].clock > x.clock {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = x
	*w = h
}

// pop takes out a waiter for a clock before end.
func (w *waiters) pop(end uint64) (x waiter, ok bool) {
	h := *w
	if len(h) == 0 || h[0].clock >= end {
		return x, false
	}
	x = h[0]
	last := h[len(h)-1]
	h = h[:len(h)-1]
	for i := 0; len(h) > 0; {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1].clock < h[child].clock {
			child++
		}
		if child >= len(h) || h[child].clock >= last.clock {
			h[i] = last
			break
		}
		h[i] = h[child]
		i = child
	}
	*w = h
	return x, true
}
