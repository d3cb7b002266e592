package yroom

import (
	"errors"
	"fmt"
	"testing"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/yjs"
)

// watching is a watcher of a room at sequence 5, which is asked by answer.
func watching(answer func(w *watcher) room.Answer) *watcher {
	n := &line{takes: make(map[room.ConnID]func(room.Output)), done: make(chan struct{})}
	d := &Document{&Server{line: n}, "a"}
	w := &watcher{document: d, wake: make(chan struct{}, 1), began: true, at: Mark{Seq: 5}, taken: Mark{Seq: 5}}
	n.port = hasty{send: func(in layer.Input) {
		a := answer(w)
		n.deliver([]layer.Output{{Output: room.Output{To: in.Conn, Answer: &a}}})
	}}
	return w
}

// gains tells the watcher of an update.
func (w *watcher) gains(seq uint64, update []byte) {
	w.take(room.Output{Answer: &room.Answer{At: Mark{Seq: seq}, Update: update}})
}

var nothingNew = []byte{0, 0}

// A follower is where the room said that it is, or further.
func TestFollowerIsNotBehind(t *testing.T) {
	for _, test := range []struct {
		told, asked uint64 // sequences
		want        error
	}{
		{told: 6, asked: 6},
		{told: 6, asked: 5}, // somebody wrote after the answer
		{told: 6, asked: 7, want: errBehind},
	} {
		w := watching(func(w *watcher) room.Answer {
			w.gains(test.told, nothingNew)
			return room.Answer{At: Mark{Seq: test.asked}, Vector: []byte{0}}
		})
		f := &follower{doc: yjs.New(), watcher: w, at: w.at}
		if err := f.catchUp(t.Context()); !errors.Is(err, test.want) || f.at.Seq != 6 {
			t.Errorf("told of %d where the room is at %d: at %d, %v", test.told, test.asked, f.at.Seq, err)
		}
	}
}

// What a reader who fell behind is given at once is not given again.
func TestWatcherThatCaughtUp(t *testing.T) {
	w := watching(func(w *watcher) room.Answer {
		w.gains(8, nothingNew) // between the question and the answer
		return room.Answer{At: Mark{Seq: 8}, Update: nothingNew}
	})
	w.gains(6, make([]byte, watchedBytes))
	w.gains(7, nothingNew)
	if !w.behind {
		t.Fatal("it isn't behind")
	}
	if c, ok, err := w.next(t.Context()); !ok || err != nil || c.At.Seq != 8 {
		t.Fatalf("%+v, %v, %v", c, ok, err)
	}
	if c, ok, err := w.next(t.Context()); ok || err != nil {
		t.Fatalf("again %+v, %v", c, err)
	}
}

func TestFollowersAreBounded(t *testing.T) {
	var ws writers
	hold := func(size int) (*writer, bool) {
		w := &writer{turn: make(chan struct{}, 1)}
		return w, ws.hold(t.Context(), w, &follower{doc: yjs.New(), size: size})
	}
	first, held := hold(followedBytes)
	if !held {
		t.Fatal("the first is not held")
	}
	if _, held := hold(1); held {
		t.Error("one more is held")
	}
	if ws.drop(first) == nil {
		t.Error("the first is gone")
	}
	last, held := hold(1)
	if !held {
		t.Error("there is room, and it is not held")
	}
	ws.drop(last)
}

func TestWritersAreBounded(t *testing.T) {
	var ws writers
	busy, err := ws.enter(t.Context(), "busy")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * maxWriters {
		w, err := ws.enter(t.Context(), fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		ws.leave(w)
		if len(ws.all) > maxWriters {
			t.Fatalf("%d writers are remembered", len(ws.all))
		}
	}
	if ws.all["busy"] != busy {
		t.Error("one that is in use was forgotten")
	}
}
