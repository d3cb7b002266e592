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

// TestWaitersAreTaken compares Waiters with a list.
func TestWaitersAreTaken(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		var w Waiters[*uint64]
		var held []uint64
		for range 400 {
			switch r.IntN(8) {
			default:
				clock := r.Uint64N(300)
				w.Push(Waiter[*uint64]{clock, &clock})
				held = append(held, clock)
			case 0:
				from := r.Uint64N(300)
				x := Span{from, from + 1 + r.Uint64N(60)}
				in := func(clock uint64) bool { return x.From <= clock && clock < x.To }
				var want, got []uint64
				for _, clock := range held {
					if in(clock) {
						want = append(want, clock)
					}
				}
				held = slices.DeleteFunc(held, in)
				for _, waiter := range w.Take(nil, x) {
					got = append(got, *waiter.Value)
				}
				slices.Sort(want)
				if !slices.Equal(got, want) {
					t.Fatalf("took %v in %v, want %v", got, x, want)
				}
			case 1:
				if r.IntN(4) == 0 {
					odd := func(clock uint64) bool { return clock%2 == 1 }
					w.Remove(func(x Waiter[*uint64]) bool { return odd(x.Clock) })
					held = slices.DeleteFunc(held, odd)
				}
			}
			var all []uint64
			w.Each(func(x Waiter[*uint64]) { all = append(all, x.Clock) })
			if want := slices.Sorted(slices.Values(held)); !slices.Equal(all, want) || w.Empty() != (len(want) == 0) {
				t.Fatalf("holds %v, want %v", all, want)
			}
			for _, p := range w.parts {
				if len(p) == 0 || len(p) > partWaiters {
					t.Fatalf("a part of %d waiters", len(p))
				}
				for _, x := range p[len(p):cap(p)] {
					if x.Value != nil {
						t.Fatal("a removed waiter is still referenced")
					}
				}
			}
		}
	}
}
