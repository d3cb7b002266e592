package yroom

import (
	"testing"

	"github.com/yroom/yroom/room"
)

// What waits for a slow reader is bounded, whatever comes.
func TestWatcherHoldsLittle(t *testing.T) {
	w := &watcher{wake: make(chan struct{}, 1)}
	most := 0
	for seq := range uint64(100) {
		w.take(room.Output{Answer: &room.Answer{At: Mark{Seq: seq + 1}, Update: make([]byte, 100<<10)}})
		held := 0
		for _, u := range w.updates {
			held += len(u.update)
		}
		if most = max(most, held); held != w.bytes || held > watchedBytes {
			t.Fatalf("%d bytes wait, said to be %d", held, w.bytes)
		}
	}
	if !w.behind || most == 0 {
		t.Errorf("behind: %v; at most %d bytes have waited", w.behind, most)
	}
}
