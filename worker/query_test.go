package worker

import (
	"bytes"
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// asking is something that was asked.
type asking struct {
	f    *fixture
	name string
	conn room.ConnID
	got  chan room.Answer
	sent protocol.CloseCode // what it was sent away with
}

// ask asks as somebody outside.
func (f *fixture) ask(kind room.Kind, name string, ask room.Ask) *asking {
	f.t.Helper()
	f.mu.Lock()
	f.lastAsker++
	q := &asking{f: f, name: name, conn: 1000 + f.lastAsker, got: make(chan room.Answer, 100)}
	f.asked[q.conn] = q
	f.mu.Unlock()
	f.send(name, room.Input{Kind: kind, Conn: q.conn, Ask: &ask})
	return q
}

func (f *fixture) query(name string, since room.Mark) *asking {
	f.t.Helper()
	return f.ask(room.Query, name, room.Ask{Since: since})
}

func (f *fixture) apply(name string, update []byte) *asking {
	f.t.Helper()
	return f.ask(room.Apply, name, room.Ask{Update: update})
}

func (f *fixture) create(name string, update []byte) *asking {
	f.t.Helper()
	return f.ask(room.Create, name, room.Ask{Update: update})
}

func (f *fixture) delete(name string) *asking {
	f.t.Helper()
	return f.ask(room.Delete, name, room.Ask{})
}

// take is called by the layer, with f.mu held.
func (q *asking) take(out layer.Output) {
	if out.Answer == nil {
		q.sent = out.Msg.Code
		return
	}
	q.got <- *out.Answer
}

// waits fails the test unless there is no answer yet.
func (q *asking) waits() {
	q.f.t.Helper()
	synctest.Wait()
	select {
	case a := <-q.got:
		q.f.t.Fatalf("answered with %+v", a)
	default:
	}
}

// refused waits for the answer and fails the test unless it is refused like this; 0: it is not.
func (q *asking) refused(want room.Cause) room.Answer {
	q.f.t.Helper()
	synctest.Wait()
	select {
	case a := <-q.got:
		if a.Refusal.Cause != want {
			q.f.t.Fatalf("answered with %+v, want the refusal %d", a, want)
		}
		return a
	default:
		q.f.t.Fatalf("not answered, want the refusal %d", want)
		return room.Answer{}
	}
}

func (q *asking) answer() room.Answer {
	q.f.t.Helper()
	return q.refused(0)
}

func (q *asking) wantDocument(updates ...[]byte) room.Answer {
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

func (q *asking) wantClosed(code protocol.CloseCode) {
	q.f.t.Helper()
	if got := q.refused(room.Closed); got.Refusal.Code != code || got.Refusal.Reason == "" {
		q.f.t.Errorf("refused with %+v, want %d", got.Refusal, code)
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
		early := f.query("a", room.Mark{})
		early.waits() // for the load
		release <- errFault
		f.want("a: 1 Close 1013")
		early.wantClosed(protocol.CloseTryLater)
		if got := f.Summaries(f.t.Context(), f.Rooms()); len(got) != 1 || got[0].State != Failed || got[0].Failure == nil {
			t.Errorf("when it has failed: %+v", got)
		}
		f.query("a", room.Mark{}).wantClosed(protocol.CloseTryLater)
		f.logged()
		f.rest()
		f.query("a", room.Mark{}).waits() // for the store
		release <- errFault
		f.onLoad(nil)
		f.query("a", room.Mark{}).refused(room.Unavailable)
	})
}

func TestQueryGoesOnFromAMark(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		f.query("a", room.Mark{}).refused(room.Unavailable)
		f.pair("a")
		first := f.query("a", room.Mark{}).wantDocument()
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		second := f.query("a", first.At).wantDocument(typed(7, 0))
		if same := f.query("a", second.At).answer(); same.Update != nil || same.At != second.At {
			t.Errorf("nothing is new, but the answer is %+v", same)
		}

		// Another opening counts anew.
		f.leave("a", 1)
		f.leave("a", 2)
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		stored := f.query("a", second.At).wantDocument(typed(7, 0))
		f.join("a", 3)
		synctest.Wait()
		for _, since := range []room.Mark{{Opened: second.At.Opened, Seq: 1}, stored.At} {
			if a := f.query("a", since).wantDocument(typed(7, 0)); !a.Whole {
				t.Errorf("answer %+v", a)
			}
		}
	})
}

// To look at a room doesn't keep it open.
func TestQueryKeepsNoRoomOpen(t *testing.T) {
	run(t, Settings{RemoveDelay: 10 * time.Second}, func(f *fixture) {
		f.join("a", 1)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.leave("a", 1)
		for range 9 {
			synctest.Wait()
			f.query("a", room.Mark{}).wantDocument(typed(7, 0))
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
		first := f.query("a", room.Mark{})
		first.waits() // behind the append under way
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		second := f.query("a", room.Mark{})
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
				saving := f.query("a", room.Mark{})
				saving.waits()
				f.write("a", 1, typed(7, 1))
				synctest.Wait()
				unsaved := f.query("a", room.Mark{})
				unsaved.waits()
				test.fail(f, release)
				for _, q := range []*asking{saving, unsaved} {
					q.refused(room.Closed)
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
