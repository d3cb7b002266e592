package clocks

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSpansAreSets compares Spans with a set of single clocks.
func TestSpansAreSets(t *testing.T) {
	const most = 64
	r := rand.New(rand.NewPCG(1, 1))
	for range 2_000 {
		var s Spans
		var want [most + 1]bool
		draw := func() Span {
			from := r.Uint64N(most - 1)
			return Span{from, from + 1 + r.Uint64N(min(8, most-from))}
		}
		mark := func(x Span, in bool) {
			for clock := x.From; clock < x.To; clock++ {
				want[clock] = in
			}
		}
		for range 1 + r.IntN(12) {
			switch r.IntN(4) {
			case 0:
				more := make([]Span, 1+r.IntN(4))
				for i := range more {
					more[i] = draw()
					mark(more[i], true)
				}
				s = s.Union(more)
			case 1:
				if clock := r.Uint64N(most); r.IntN(4) == 0 {
					s = s.After(clock)
					mark(Span{0, clock}, false)
				}
			default:
				x := draw()
				s = s.Add(x)
				mark(x, true)
			}
			var got [most + 1]bool
			end := uint64(0)
			for i, x := range s {
				if x.From >= x.To || i > 0 && x.From <= end {
					t.Fatalf("%v is not in order", s)
				}
				end = x.To
				for clock := x.From; clock < x.To; clock++ {
					got[clock] = true
				}
			}
			if got != want {
				t.Fatalf("%v, want %v", s, want)
			}
			x, missing := draw(), want
			for i := range missing {
				missing[i] = !want[i] && x.From <= uint64(i) && uint64(i) < x.To
			}
			clear(got[:])
			gap := func(part Span) {
				for clock := part.From; clock < part.To; clock++ {
					got[clock] = true
				}
			}
			if gap(s.Gaps(x, gap)); got != missing {
				t.Fatalf("gaps of %v in %v: %v, want %v", s, x, got, missing)
			}
		}
	}
}

func TestWaitersComeInOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var w Waiters[*uint64]
		var held []uint64
		for range 100 {
			if r.IntN(3) > 0 {
				clock := r.Uint64N(50)
				w.Push(Waiter[*uint64]{clock, &clock})
				held = append(held, clock)
				continue
			}
			end := r.Uint64N(50)
			x, ok := w.Pop(end)
			if want := len(held) > 0 && slices.Min(held) < end; ok != want {
				t.Fatalf("Pop(%d) reports %v with %v waiting", end, ok, held)
			}
			if !ok {
				continue
			}
			if x.Clock != slices.Min(held) || *x.Client != x.Clock {
				t.Fatalf("Pop(%d) returned %d with %v waiting", end, x.Clock, held)
			}
			i := slices.Index(held, x.Clock)
			held = slices.Delete(held, i, i+1)
		}
		for _, x := range w[len(w):cap(w)] {
			if x.Client != nil {
				t.Fatal("a removed waiter is still referenced")
			}
		}
	}
}
