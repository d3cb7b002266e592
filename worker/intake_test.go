package worker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// While the store is slow, the updates that wait for it in all rooms are bounded. Small
// updates of other rooms are taken, and all that was taken is stored.
func TestMessageMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1 << 20
		f := start(t, Config{MessageMemory: 10 * size})
		synctest.Wait()
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		paste := testkit.Typed(1, 0, strings.Repeat("x", size))
		taken := 0
		for i := range 100 {
			name := fmt.Sprint("room ", i)
			f.join(name, 1)
			switch err := f.trySend(name, message(1, protocol.Update, paste)); {
			case err == nil:
				taken++
			case !errors.Is(err, layer.ErrFull):
				t.Fatal(err)
			}
			synctest.Wait()
		}
		if taken == 0 || taken > 10 {
			t.Errorf("%d of 100 MiB were taken, want at most 10", taken)
		}
		if err := f.trySend("room 0", message(1, protocol.Update, typed(2, 0))); !errors.Is(err, layer.ErrFull) {
			t.Errorf("a room whose paste waits got more: %v", err)
		}
		f.write("room 99", 1, typed(2, 0))
		close(gate.Release)
		f.wantStored("room 0", paste)
		f.wantStored("room 99", typed(2, 0))
		f.write("room 98", 1, paste)
		f.wantStored("room 98", paste)
		f.stop()
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		if used := f.intake.used.Load(); used != 0 {
			t.Errorf("after the end, %d bytes are taken", used)
		}
		f.front.Close()
	})
}
