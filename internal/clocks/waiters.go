package clocks

import "slices"

// Waiter is a value that waits for the element of a client at Clock.
type Waiter[C any] struct {
	Clock uint64
	Value C
}

// Waiters is the waiters for the elements of one client, in the order of clocks. They are
// held in parts of bounded length, so that adding or removing some moves only few others.
// The zero value is empty.
type Waiters[C any] struct {
	parts [][]Waiter[C]
}

const partWaiters = 64

// Empty reports whether there are no waiters.
func (w *Waiters[C]) Empty() bool { return len(w.parts) == 0 }

// Push adds a waiter, after others for the same clock.
func (w *Waiters[C]) Push(x Waiter[C]) {
	n := w.after(x.Clock) - 1
	if n < 0 {
		if len(w.parts) == 0 {
			w.parts = append(w.parts, []Waiter[C]{x})
			return
		}
		n = 0
	}
	p := w.parts[n]
	if len(p) == partWaiters {
		if n == len(w.parts)-1 && p[len(p)-1].Clock <= x.Clock {
			w.parts = append(w.parts, append(make([]Waiter[C], 0, partWaiters), x))
			return
		}
		half := append(make([]Waiter[C], 0, partWaiters), p[partWaiters/2:]...)
		clear(p[partWaiters/2:])
		w.parts[n] = p[:partWaiters/2]
		w.parts = slices.Insert(w.parts, n+1, half)
		if half[0].Clock <= x.Clock {
			n++
		}
		p = w.parts[n]
	}
	w.parts[n] = slices.Insert(p, from(p, x.Clock+1), x)
}

// after returns the number of parts that begin at or before clock.
func (w *Waiters[C]) after(clock uint64) int {
	i, j := 0, len(w.parts)
	for i < j {
		if mid := (i + j) / 2; w.parts[mid][0].Clock <= clock {
			i = mid + 1
		} else {
			j = mid
		}
	}
	return i
}

// from returns the index of the first waiter for clock or a later one.
func from[C any](p []Waiter[C], clock uint64) int {
	i, j := 0, len(p)
	for i < j {
		if mid := (i + j) / 2; p[mid].Clock < clock {
			i = mid + 1
		} else {
			j = mid
		}
	}
	return i
}

// Take removes the waiters for the elements in x, and appends them to dst.
func (w *Waiters[C]) Take(dst []Waiter[C], x Span) []Waiter[C] {
	n := w.after(x.From)
	for n > 0 && w.parts[n-1][len(w.parts[n-1])-1].Clock >= x.From {
		n--
	}
	first := n
	for ; n < len(w.parts) && w.parts[n][0].Clock < x.To; n++ {
		p := w.parts[n]
		i, j := from(p, x.From), from(p, x.To)
		dst = append(dst, p[i:j]...)
		if p = slices.Delete(p, i, j); len(p) > 0 {
			w.parts[n] = p
			if first == n {
				first++
			}
			continue
		}
		w.parts[n] = nil
	}
	w.parts = slices.Delete(w.parts, first, w.lastEmpty(first, n))
	if len(w.parts) == 0 {
		w.parts = nil
	}
	return dst
}

// lastEmpty returns the end of the empty parts from first on, up to n.
func (w *Waiters[C]) lastEmpty(first, n int) int {
	for first < n && w.parts[first] == nil {
		first++
	}
	return first
}

// Remove removes the waiters for which drop returns true.
func (w *Waiters[C]) Remove(drop func(Waiter[C]) bool) {
	kept := w.parts[:0]
	for _, p := range w.parts {
		if p = slices.DeleteFunc(p, drop); len(p) > 0 {
			kept = append(kept, p)
		}
	}
	clear(w.parts[len(kept):])
	w.parts = kept
	if len(kept) == 0 {
		w.parts = nil
	}
}

// Each calls yield with all waiters, in order.
func (w *Waiters[C]) Each(yield func(Waiter[C])) {
	for _, p := range w.parts {
		for _, x := range p {
			yield(x)
		}
	}
}
