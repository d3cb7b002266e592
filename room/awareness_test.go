package room

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

// However many connections show large states, what a newcomer receives is bounded, and a
// query of one byte doesn't encode it again.
func TestAwarenessIsBounded(t *testing.T) {
	const conns = 100
	r := New(Config{})
	state := `"` + strings.Repeat("x", 60<<10) + `"`
	for conn := event.ConnID(1); conn <= conns; conn++ {
		ins := []event.Input{{Kind: event.InputJoin, Conn: conn, Access: event.AccessPresent}}
		for id := range uint64(4) {
			ins = append(ins, message(conn, protocol.Awareness, testkit.Present(uint64(conn)*10+id, 1, state)))
		}
		r.Step(at(1), ins)
	}
	if !r.AwarenessFull() {
		t.Error("the awareness isn't full")
	}
	const bound = 2 << 20
	query := []event.Input{message(1, protocol.QueryAwareness, nil)}
	got := r.Step(at(1), query)
	if n := len(got.Now[0].Message.Data); n > bound || n < bound/3 {
		t.Errorf("a newcomer receives %d bytes", n)
	}
	const queries = 1000
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range queries {
		r.Step(at(1), query)
	}
	runtime.ReadMemStats(&after)
	if n := (after.TotalAlloc - before.TotalAlloc) / queries; n > 4<<10 {
		t.Errorf("an answer allocates %d bytes", n)
	}

	// A client with a small state is still shown.
	newcomer := event.ConnID(conns + 1)
	got = r.Step(at(1), []event.Input{
		{Kind: event.InputJoin, Conn: newcomer, Access: event.AccessPresent},
		message(newcomer, protocol.Awareness, testkit.Present(7, 1, `{"user":"ann"}`)),
	})
	if last := got.Now[len(got.Now)-1]; last.To != event.Everyone || !strings.Contains(string(last.Message.Data), "ann") {
		t.Error("a small state was not broadcast: " + fmt.Sprint(last.To))
	}
}
