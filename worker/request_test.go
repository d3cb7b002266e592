package worker

import (
	"bytes"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
)

// request is a request of a program.
type request struct {
	f         *fixture
	name      string
	conn      event.ConnID
	responses chan event.Response
	closed    protocol.CloseCode // the code of the Close that it received
	rejoins   int                // how many Rejoins it received
}

// request sends a request as a program.
func (f *fixture) request(name string, r event.Request) *request {
	f.t.Helper()
	f.mu.Lock()
	f.lastProgram++
	q := &request{f: f, name: name, conn: 1000 + f.lastProgram, responses: make(chan event.Response, 100)}
	f.requests[q.conn] = q
	f.mu.Unlock()
	f.send(name, event.Input{Kind: event.InputRequest, Conn: q.conn, Request: &r})
	return q
}

func (f *fixture) query(name string, since event.Mark) *request {
	f.t.Helper()
	return f.request(name, event.Request{Kind: event.RequestQuery, Since: since})
}

func (f *fixture) apply(name string, update []byte) *request {
	f.t.Helper()
	return f.request(name, event.Request{Kind: event.RequestApply, Update: update})
}

func (f *fixture) create(name string, update []byte) *request {
	f.t.Helper()
	return f.request(name, event.Request{Kind: event.RequestCreate, Update: update})
}

func (f *fixture) delete(name string) *request {
	f.t.Helper()
	return f.request(name, event.Request{Kind: event.RequestDelete})
}

// take is called by the layer, with f.mu held.
func (q *request) take(out layer.Output) {
	switch out.Kind {
	case event.OutputMessage:
		q.closed = out.Message.Code
	case event.OutputRejoin:
		q.rejoins++
	case event.OutputResponse:
		q.responses <- *out.Response
	}
}

// waits fails the test if there is a response already.
func (q *request) waits() {
	q.f.t.Helper()
	synctest.Wait()
	select {
	case a := <-q.responses:
		q.f.t.Fatalf("the response is %+v", a)
	default:
	}
}

// refused returns the response, and fails the test unless it is refused with the
// cause want; 0 stands for no refusal.
func (q *request) refused(want event.Cause) event.Response {
	q.f.t.Helper()
	synctest.Wait()
	select {
	case a := <-q.responses:
		if a.Refusal.Cause != want {
			q.f.t.Fatalf("the response is %+v, want the refusal %d", a, want)
		}
		return a
	default:
		q.f.t.Fatalf("no response, want the refusal %d", want)
		return event.Response{}
	}
}

func (q *request) response() event.Response {
	q.f.t.Helper()
	return q.refused(0)
}

func (q *request) wantDocument(updates ...[]byte) event.Response {
	q.f.t.Helper()
	got, want := q.response(), merged(q.f.t, updates...)
	if !bytes.Equal(got.Update, want) {
		q.f.t.Fatalf("the document is %q, want %q", got.Update, want)
	}
	return got
}

func (q *request) wantClosed(code protocol.CloseCode) {
	q.f.t.Helper()
	if got := q.refused(event.CauseClosed); got.Refusal.Code != code || got.Refusal.Reason == "" {
		q.f.t.Errorf("refused with %+v, want %d", got.Refusal, code)
	}
}

func TestQuerySinceAMark(t *testing.T) {
	run(t, Settings{RemoveDelay: time.Second}, func(f *fixture) {
		f.query("a", event.Mark{}).refused(event.CauseNotFound)
		f.pair("a")
		first := f.query("a", event.Mark{}).wantDocument()
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		second := f.query("a", first.Mark).wantDocument(typed(7, 0))
		if same := f.query("a", second.Mark).response(); same.Update != nil || same.Mark != second.Mark {
			t.Errorf("nothing was added, but the response is %+v", same)
		}

		// Another opening has another epoch.
		f.leave("a", 1)
		f.leave("a", 2)
		synctest.Wait()
		time.Sleep(time.Second)
		synctest.Wait()
		stored := f.query("a", second.Mark).wantDocument(typed(7, 0))
		if got := stored.Summary.Worker; got != workerName {
			t.Errorf("a stored room is read by %q, want %q", got, workerName)
		}
		f.join("a", 3)
		synctest.Wait()
		for _, since := range []event.Mark{{Epoch: second.Mark.Epoch, Seq: 1}, stored.Mark} {
			if a := f.query("a", since).wantDocument(typed(7, 0)); !a.Whole || a.Summary.Worker != workerName {
				t.Errorf("the response is %+v, want the whole document of worker-1", a)
			}
		}
	})
}

// Neither a query nor a list keeps a room open.
func TestQueryKeepsNoRoomOpen(t *testing.T) {
	run(t, Settings{RemoveDelay: 10 * time.Second}, func(f *fixture) {
		f.join("a", 1)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		f.leave("a", 1)
		for range 9 {
			synctest.Wait()
			f.query("a", event.Mark{}).wantDocument(typed(7, 0))
			f.list("", "", 10)
			time.Sleep(time.Second)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if got := f.inMemory(); len(got) > 0 {
			t.Errorf("rooms %q are still open", got)
		}
	})
}

func TestResponsesWaitUntilTheyAreDurable(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		f.pair("a")
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		f.write("a", 1, typed(7, 0))
		synctest.Wait()
		first := f.query("a", event.Mark{})
		first.waits() // for the append in progress
		f.write("a", 1, typed(7, 1))
		synctest.Wait()
		second := f.query("a", event.Mark{})
		second.waits() // for the next append
		gate.Release <- nil
		first.wantDocument(typed(7, 0))
		second.waits()
		gate.Release <- nil
		second.wantDocument(typed(7, 0), typed(7, 1))
		f.want("a: all Update", "a: all Update")
	})
}

func TestResponsesThatAreNotDurableAreNotSent(t *testing.T) {
	for _, test := range []struct {
		name string
		fail func(f *fixture, gate *faulty.Gate)
	}{
		{"the append fails", func(_ *fixture, gate *faulty.Gate) { gate.Release <- errFault }},
		{"the room panics meanwhile", func(f *fixture, gate *faulty.Gate) {
			f.step = func(*room.Room, time.Time, []event.Input) room.Effects { panic("planted") }
			f.write("a", 2, typed(8, 0))
			synctest.Wait()
			gate.Release <- nil
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				f.pair("a")
				gate := faulty.NewGate()
				f.store.Set(gate.Wait, faulty.Append)
				f.write("a", 1, typed(7, 0))
				synctest.Wait()
				saving := f.query("a", event.Mark{})
				saving.waits()
				f.write("a", 1, typed(7, 1))
				synctest.Wait()
				unsaved := f.query("a", event.Mark{})
				unsaved.waits()
				test.fail(f, gate)
				for _, q := range []*request{saving, unsaved} {
					q.refused(event.CauseClosed)
				}
				if closed := f.closed(); !slices.Contains(closed, "a: 1 Close 1013") && !slices.Contains(closed, "a: 1 Close 1011") {
					t.Errorf("closed: %q", closed)
				}
				f.store.Set(nil, faulty.Append)
				close(gate.Release)
				synctest.Wait()
				f.logged()
			})
		})
	}
}
