package link

import (
	"strings"
	"testing"
	"time"
)

// Heartbeats tell others what a process does, and one of a process that doesn't say it, as
// earlier versions don't, is as if it did nothing.
func TestHeartbeatsTellLoad(t *testing.T) {
	b, w, c, _ := newPair(t)
	want := Load{Conns: 3, Rooms: 2, Edits: 1 << 40, Problems: 5, CPU: 90 * time.Second, Memory: 1 << 30, Draining: true, Problem: Problem{"The store fails.", true}}
	loads := func() []Load {
		var all []Load
		for _, p := range c.Peers() {
			if p.Name == w.name {
				all = append(all, p.Load)
			}
		}
		return all
	}
	if got := loads(); len(got) != 1 || got[0] != (Load{}) {
		t.Fatalf("before it is set: %+v", got)
	}
	w.SetLoad(want)
	b.until("the consumer knows", beatInterval+time.Second, func() bool { return loads()[0] == want })

	// A long message is cut, and never in the middle of a character.
	want.Problem = Problem{Message: "a" + strings.Repeat("ä", mostProblem)}
	w.SetLoad(want)
	want.Problem.Message = want.Problem.Message[:mostProblem-1]
	b.until("the consumer knows the beginning", beatInterval+time.Second, func() bool { return loads()[0] == want })
}
