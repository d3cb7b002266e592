package document

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/yjs"
)

// A follower has the state that the room responds with, or a later one.
func TestFollowerIsNotBehind(t *testing.T) {
	for _, test := range []struct {
		received, responded uint64 // sequences
		want                error
	}{
		{received: 6, responded: 6},
		{received: 6, responded: 5}, // others wrote after the response
		{received: 6, responded: 7, want: errBehind},
	} {
		w := watching(t, func(w *watcher) event.Response {
			w.receives(test.received, nothing)
			return event.Response{Mark: event.Mark{Seq: test.responded}, Vector: []byte{0}}
		})
		f := &follower{doc: yjs.New(), watcher: w, mark: w.seen}
		if err := f.catchUp(t.Context()); !errors.Is(err, test.want) || f.mark.Seq != 6 {
			t.Errorf("received %d where the room is at %d: at %d, %v", test.received, test.responded, f.mark.Seq, err)
		}
	}
}

// A follower is discarded if its watch was started again, or if the room is in another
// epoch.
func TestFollowerOfAnotherRoom(t *testing.T) {
	w := watching(t, func(w *watcher) event.Response {
		w.began = false // it was started again
		w.deliver(w.starts, event.Output{Kind: event.OutputResponse, Response: &event.Response{Mark: event.Mark{Seq: 5}, Update: nothing, Whole: true}})
		return event.Response{Mark: event.Mark{Seq: 5}, Vector: []byte{0}}
	})
	f := &follower{doc: yjs.New(), watcher: w, mark: w.seen}
	if err := f.catchUp(t.Context()); !errors.Is(err, errBehind) {
		t.Errorf("a whole document: %v", err)
	}
	w = watching(t, func(*watcher) event.Response {
		return event.Response{Mark: event.Mark{Epoch: 2, Seq: 5}, Vector: []byte{0}}
	})
	f = &follower{doc: yjs.New(), watcher: w, mark: w.seen}
	if err := f.catchUp(t.Context()); !errors.Is(err, errBehind) {
		t.Errorf("another epoch: %v", err)
	}
}

func TestFollowersAreBounded(t *testing.T) {
	var es editors
	hold := func(size int) (*editor, bool) {
		e := &editor{turn: make(chan struct{}, 1)}
		return e, es.hold(t.Context(), e, &follower{doc: yjs.New(), size: size})
	}
	first, held := hold(maxFollowed)
	if !held {
		t.Fatal("the first is not held")
	}
	if _, held := hold(1); held {
		t.Error("one more is held")
	}
	if es.drop(first) == nil {
		t.Error("the first is gone")
	}
	last, held := hold(1)
	if !held {
		t.Error("the follower is not held although there is capacity")
	}
	es.drop(last)
}

func TestEditorsAreBounded(t *testing.T) {
	var es editors
	busy, err := es.enter(t.Context(), "busy")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * maxEditors {
		e, err := es.enter(t.Context(), fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		es.leave(e)
		if len(es.all) > maxEditors {
			t.Fatalf("%d editors are remembered", len(es.all))
		}
	}
	if es.all["busy"] != busy {
		t.Error("one that is in use was forgotten")
	}
}

// A presence that its room doesn't know joins again, with its state.
func TestPresenceRejoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, l := newFake(t, nil)
		e := &editor{identity: identity{client: 7}}
		hide := c.Document("a").present(t.Context(), e, `{"user":{"name":"Ada"}}`)
		synctest.Wait()
		kinds := func() string {
			var all strings.Builder
			for _, in := range l.inputs() {
				switch in.Kind {
				case event.InputJoin:
					all.WriteString("join ")
				case event.InputMessage:
					fmt.Fprintf(&all, "state %d ", in.Message.Data[2])
				case event.InputLeave:
					all.WriteString("leave ")
				default:
					fmt.Fprintf(&all, "input %d ", in.Kind)
				}
			}
			return all.String()
		}
		conn := l.inputs()[0].Conn
		l.output(event.Output{Kind: event.OutputRejoin, To: conn})
		synctest.Wait()
		l.lose()
		synctest.Wait()
		hide()
		c.Drain()
		if got, want := kinds(), "join state 1 join state 2 join state 3 leave "; got != want {
			t.Errorf("inputs %q, want %q", got, want)
		}
		for _, in := range l.inputs() {
			if in.Conn != conn || in.Room != "a" || in.Kind == event.InputJoin && (in.Access != event.AccessPresent || in.Greeting != event.GreetingClient) {
				t.Errorf("input %+v", in)
			}
		}
	})
}
