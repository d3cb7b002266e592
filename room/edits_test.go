package room

import (
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
)

// Ten updates a second for a minute are about 100 in each ten seconds, and none are left
// after a pause.
func TestEditsLately(t *testing.T) {
	var e edits
	now := at(1)
	for range 600 {
		now = now.Add(time.Second / 10)
		e.add(now, 1)
		if past := now.Sub(at(1)); past > event.EditsTime {
			if got := e.lately(now); got < 95 || got > 105 {
				t.Fatalf("after %v: %d updates lately, want about 100", past, got)
			}
		}
	}
	if e.total != 600 {
		t.Errorf("%d updates in all, want 600", e.total)
	}
	if got := e.lately(now.Add(event.EditsTime / 2)); got < 40 || got > 105 {
		t.Errorf("%d updates after a pause of half the time", got)
	}
	if got := e.lately(now.Add(2 * event.EditsTime)); got != 0 {
		t.Errorf("%d updates after a long pause, want none", got)
	}
	if again := e.lately(now); again < 95 {
		t.Errorf("%d updates: asking has changed what was counted", again)
	}
}

// A room counts the updates that change its document, and not those that add nothing.
func TestRoomCountsEdits(t *testing.T) {
	r := New(Config{})
	a, b := testkit.Typed(1, 0, "a"), testkit.Typed(1, 1, "b")
	r.Step(at(1), []event.Input{{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite}, write(1, a), write(1, b), write(1, a)})
	if n, s := r.Edits(), r.Summary(at(2)); n != 2 || s.Edits != 2 {
		t.Errorf("%d edits, and %d lately, want 2", n, s.Edits)
	}
	if s := r.Summary(at(60)); s.Edits != 0 {
		t.Errorf("%d edits lately after a minute", s.Edits)
	}
}

// A summary says how much of the document is pending.
func TestSummaryHasPending(t *testing.T) {
	r := New(Config{})
	r.Step(at(1), []event.Input{{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite}, write(1, testkit.Typed(1, 1, "b"))})
	if s := r.Summary(at(1)); s.Pending == 0 || s.Pending != r.Pending() || s.Size < s.Pending {
		t.Errorf("%+v, want %d pending bytes", s, r.Pending())
	}
}
