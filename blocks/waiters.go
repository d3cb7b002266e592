package blocks

// waiter is a client whose next block refers to the element at clock of
// another one.
type waiter struct {
	clock  uint64
	client *client
}

// waiters is a heap by clock.
type waiters []waiter

func (h *waiters) push(x waiter) {
	s := append(*h, x)
	*h = s
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if s[up].clock <= s[i].clock {
			break
		}
		s[up], s[i] = s[i], s[up]
		i = up
	}
}

// pop takes out one who waits for an element before end.
func (h *waiters) pop(end uint64) (x waiter, ok bool) {
	s := *h
	if len(s) == 0 || s[0].clock >= end {
		return waiter{}, false
	}
	x = s[0]
	last := len(s) - 1
	s[0], s[last] = s[last], waiter{}
	s = s[:last]
	*h = s
	for i := 0; ; {
		least := i
		for _, down := range [2]int{2*i + 1, 2*i + 2} {
			if down < len(s) && s[down].clock < s[least].clock {
				least = down
			}
		}
		if least == i {
			return x, true
		}
		s[i], s[least] = s[least], s[i]
		i = least
	}
}
