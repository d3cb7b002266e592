package worker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// Past RoomsPerSecond, inputs that would open a room are refused; rooms in memory and
// rooms that are taken over are not affected.
func TestRoomsPerSecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, Config{RoomsPerSecond: 10})
		synctest.Wait()
		join := func(room string, conn event.ConnID, greeting event.Greeting) error {
			return f.front.Send(layer.Input{Room: room, Input: event.Input{Kind: event.InputJoin, Conn: conn, Greeting: greeting}})
		}
		opened := 0
		for i := range 1000 {
			switch err := join(fmt.Sprint("room ", i), event.ConnID(1+i), event.GreetingServer); {
			case err == nil:
				opened++
			case !errors.Is(err, layer.ErrFull):
				t.Fatal(err)
			}
		}
		if opened != 50 {
			t.Errorf("%d of 1,000 rooms were opened at once, want 50", opened)
		}
		if err := join("room 0", 2000, event.GreetingServer); err != nil {
			t.Errorf("a room in memory: %v", err)
		}
		if err := join("another worker's", 2001, event.GreetingRejoin); err != nil {
			t.Errorf("a room that is taken over: %v", err)
		}
		time.Sleep(time.Second)
		if err := join("later", 2002, event.GreetingServer); err != nil {
			t.Errorf("a second later: %v", err)
		}
		f.stop()
		if err := <-f.ended; err != nil {
			t.Errorf("Run: %v", err)
		}
		f.front.Close()
		if n := strings.Count(f.logged(), "Rooms are opened faster"); n == 0 || n > 5 {
			t.Errorf("%d refusals are logged, want 1 to 5", n)
		}
	})
}
