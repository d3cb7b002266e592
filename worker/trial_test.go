package worker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/room"
)

// doubtful returns an update that must be tried: many characters of client 1, each at another
// place in the text of client 5 and not before what follows there.
func doubtful() []byte {
	const n = 600
	update := binary.AppendUvarint([]byte{1}, n)
	update = append(update, 1, 0)
	for i := range uint64(n) {
		update = binary.AppendUvarint(append(update, 4|0x80, 5), i)
		update = append(update, 1, 'y')
	}
	return append(update, 0)
}

func trying(try func(updates func() [][]byte) error) Settings {
	return Settings{RemoveDelay: time.Hour, AutosaveDelay: time.Second, Room: room.Config{Blocks: blocks.Options{Try: try}}}
}

// TestTrialsAreOneAtATime lets rooms try updates at the same time. A trial takes a second.
func TestTrialsAreOneAtATime(t *testing.T) {
	const rooms = 3
	var f *fixture
	var running, done atomic.Int64
	settings := trying(func(updates func() [][]byte) error {
		if n := running.Add(1); n > 1 {
			t.Errorf("%d trials at once", n)
		}
		size := len(updates()[0])
		f.memory.mu.Lock()
		if f.memory.busy < trialCost*size {
			t.Errorf("%d bytes are charged for a trial of %d", f.memory.busy, size)
		}
		f.memory.mu.Unlock()
		time.Sleep(time.Second)
		running.Add(-1)
		done.Add(1)
		return nil
	})
	runWithin(t, 64<<20, settings, func(started *fixture) {
		f = started
		for i := range rooms {
			name := fmt.Sprint(i)
			f.keep(name, 1000)
			f.join(name, 1)
			f.write(name, 1, testkit.Typed(5, 0, strings.Repeat("x", 2000)))
		}
		f.want("0: 1 SyncStep1", "0: all Update", "1: 1 SyncStep1", "1: all Update", "2: 1 SyncStep1", "2: all Update")
		for i := range rooms {
			f.write(fmt.Sprint(i), 1, doubtful())
		}
		for i := range rooms {
			time.Sleep(time.Second + time.Millisecond)
			if synctest.Wait(); done.Load() != int64(i+1) {
				t.Errorf("after %d seconds, %d trials are done", i+1, done.Load())
			}
		}
		f.want("0: all Update", "1: all Update", "2: all Update")
	})
}

// TestDocumentsThatFreezeAreLogged checks that a compaction finds what was accepted.
func TestDocumentsThatFreezeAreLogged(t *testing.T) {
	settings := trying(func(func() [][]byte) error { return errors.New("too slow") })
	runWithin(t, 1<<20, settings, func(f *fixture) {
		f.pair("a")
		f.types("a", 0, 30)
		time.Sleep(time.Minute)
		if n := f.entries("a"); n != 1 {
			t.Errorf("%d entries", n)
		}
		if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "freeze") || !strings.Contains(log, "room=a") || !strings.Contains(log, "too slow") {
			t.Errorf("logged: %s", log)
		}
	})
}
