package worker

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// asking is a question whose answer has not been taken.
type asking struct {
	f    *fixture
	done chan struct{}
	got  Answer
	err  error
}

func (f *fixture) ask(name string, since Mark) *asking {
	q := &asking{f: f, done: make(chan struct{})}
	go func() {
		q.got, q.err = f.Query(f.t.Context(), name, since)
		close(q.done)
	}()
	return q
}

// waits fails the test unless there is no answer yet.
func (q *asking) waits() {
	q.f.t.Helper()
	synctest.Wait()
	select {
	case <-q.done:
		q.f.t.Fatalf("answered with %+v, %v", q.got, q.err)
	default:
	}
}

func (q *asking) answer() Answer {
	q.f.t.Helper()
	<-q.done
	if q.err != nil {
		q.f.t.Fatal(q.err)
	}
	return q.got
}

func (q *asking) wantDocument(updates ...[]byte) Answer {
	q.f.t.Helper()
	got, want := q.answer(), blocks.New()
	for _, u := range updates {
		if _, err := want.Apply(u, blocks.V1); err != nil {
			q.f.t.Fatal(err)
		}
	}
	if !bytes.Equal(got.Update, want.Encode(blocks.V1)) {
		q.f.t.Fatalf("the document is %q, want %q", got.Update, want.Encode(blocks.V1))
	}
	return got
}

func (q *asking) wantError(want error) {
	q.f.t.Helper()
	<-q.done
	if !errors.Is(q.err, want) {
		q.f.t.Errorf("%+v, %v, want the error %v", q.got, q.err, want)
	}
}

func (q *asking) wantClosed(code protocol.CloseCode) {
	q.f.t.Helper()
	<-q.done
	if closed, ok := errors.AsType[*protocol.CloseError](q.err); !ok || closed.Code != code {
		q.f.t.Errorf("%+v, %v, want a close with %d", q.got, q.err, code)
	}
}

func TestRoomsAreListed(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		if got := f.Rooms(); len(got) > 0 {
			t.Errorf("rooms %q before anybody joined", got)
		}
		began := time.Now()
		f.pair("b")
		f.join("a/ä", 3)
		f.want("a/ä: 3 SyncStep1")
		time.Sleep(time.Second)
		f.write("b", 1, typed(7, 0))
		f.send("b", message(2, protocol.Awareness, present(8, 1, "{}")))
		synctest.Wait()
		if diff := cmp.Diff([]string{"a/ä", "b"}, f.Rooms()); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		got := f.Summaries(f.t.Context(), []string{"b", "gone", "a/ä"})
		for i := range got {
			got[i].Size = min(got[i].Size, 1)
		}
		want := []Summary{
			{Name: "b", State: Open, Summary: room.Summary{Conns: 2, Clients: 1, Size: 1, Changed: began.Add(time.Second)}},
			{Name: "a/ä", State: Open, Summary: room.Summary{Conns: 1}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestSummariesWaitNoLongerThanTheyMay(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("busy")
		f.pair("idle")
		stepping, end := make(chan bool), make(chan bool)
		step := f.step
		f.step = func(r *room.Room, ins []room.Input) room.Effects {
			stepping <- true
			<-end
			return step(r, ins)
		}
		f.write("busy", 1, typed(7, 0))
		<-stepping
		ctx, cancel := context.WithTimeout(f.t.Context(), time.Second)
		defer cancel()
		want := []Summary{{Name: "busy"}, {Name: "idle", State: Open, Summary: room.Summary{Conns: 2}}}
		if diff := cmp.Diff(want, f.Summaries(ctx, []string{"busy", "idle"})); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if _, err := f.Query(ctx, "busy", Mark{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Query gave the error %v", err)
		}
		end <- true
		f.want("busy: all Update")
	})
}

func TestARoomThatLoadsOrFailedSaysSo(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		on, release := block()
		f.onLoad(on)
		f.join("a", 1)
		if got := f.Summaries(f.t.Context(), f.Rooms()); len(got) != 1 || got[0].State != Loading {
			t.Errorf("while it loads: %+v", got)
		}
		f.ask("a", Mark{}).wantError(ErrNotOpen)
		release <- errFault
		f.want("a: 1 Close 1013")
		if got := f.Summaries(f.t.Context(), f.Rooms()); len(got) != 1 || got[0].State != Failed || got[0].Failure == nil {
			t.Errorf("when it has failed: %+v", got)
		}
		f.ask("a", Mark{}).wantClosed(protocol.CloseTryLater)
		f.logged()
		f.rest()
		f.ask("a", Mark{}).wantError(ErrNotOpen)
	})
}

func TestQueryGoesOnFromAMark(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		f.ask("a", Mark{}).wantError(ErrNotOpen)
		f.pair("a")
		first := f.ask("a", Mark{}).wantDocument()
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		second := f.ask("a", first.At).wantDocument(typed(7, 0))
		if same := f.ask("a", second.At).answer(); same.Update != nil || same.At != second.At {
			t.Errorf("nothing is new, but the answer is %+v", same)
		}

		// Another opening counts anew.
		f.leave("a", 1)
		f.leave("a", 2)
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		f.ask("a", second.At).wantError(ErrNotOpen)
		f.join("a", 3)
		synctest.Wait()
		f.ask("a", Mark{Opened: second.At.Opened, Seq: 1}).wantDocument(typed(7, 0))
	})
}

// To look at a room doesn't keep it open.
func TestQueryKeepsNoRoomOpen(t *testing.T) {
	run(t, Settings{RemoveDelay: 10 * time.Second}, func(f *fixture) {
		f.join("a", 1)
		synctest.Wait()
		f.leave("a", 1)
		for range 9 {
			synctest.Wait()
			f.ask("a", Mark{}).wantDocument()
			f.Summaries(f.t.Context(), f.Rooms())
			time.Sleep(time.Second)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := f.Rooms(); len(got) > 0 {
			t.Errorf("rooms %q are still open", got)
		}
	})
}

func TestAnswersWaitUntilTheyAreDurable(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		on, release := block()
		f.onAppend(on)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		first := f.ask("a", Mark{})
		first.waits() // behind the append under way
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		second := f.ask("a", Mark{})
		second.waits() // and behind the next one
		release <- nil
		first.wantDocument(typed(7, 0))
		second.waits()
		release <- nil
		second.wantDocument(typed(7, 0), typed(7, 1))
		f.want("a: all Update", "a: all Update")
	})
}

func TestAnswersThatAreNotDurableAreNotGiven(t *testing.T) {
	for _, test := range []struct {
		name string
		fail func(f *fixture, release chan error)
	}{
		{"the append fails", func(f *fixture, release chan error) { release <- errFault }},
		{"the room panics meanwhile", func(f *fixture, release chan error) {
			f.step = func(*room.Room, []room.Input) room.Effects { panic("planted") }
			f.write("a", 2, typed(8, 0))
			synctest.Wait()
			release <- nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				f.pair("a")
				on, release := block()
				f.onAppend(on)
				f.write("a", 1, typed(7, 0))
				synctest.Wait()
				saving := f.ask("a", Mark{})
				saving.waits()
				f.write("a", 1, typed(7, 1))
				synctest.Wait()
				unsaved := f.ask("a", Mark{})
				unsaved.waits()
				test.fail(f, release)
				for _, q := range []*asking{saving, unsaved} {
					if <-q.done; q.err == nil {
						t.Errorf("the answer is %+v", q.got)
					}
				}
				if closed := f.closed(); !slices.Contains(closed, "a: 1 Close 1013") && !slices.Contains(closed, "a: 1 Close 1011") {
					t.Errorf("closed: %q", closed)
				}
				f.onAppend(nil)
				close(release)
				synctest.Wait()
				f.logged()
			})
		})
	}
}
