package djangolayer

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/rate"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

// handled waits until the proxy has handled so many messages since the test began.
func (d *django) handled(t *testing.T, messages uint64) {
	t.Helper()
	testkit.Eventually(t, "the messages are handled", func() string {
		if got := d.layer.Stats().Received; got != messages {
			return fmt.Sprint(got, " of ", messages)
		}
		return ""
	})
}

func (d *django) wantConns(t *testing.T, when string, want int) {
	t.Helper()
	if got := d.layer.Stats().Conns; got != want {
		t.Errorf("%s: %d connections, want %d", when, got, want)
	}
}

// With several hosts, what a connection sent first may arrive after its disconnect.
func TestConnectAfterDisconnect(t *testing.T) {
	d := start(t, "")
	a := d.socket("room", "a")
	a.push(t, entry(a.message("disconnect")))
	a.push(t, entry(a.message("connect")))
	d.handled(t, 2)
	d.wantConns(t, "after a disconnect and its connect", 0)
	a.write(t, "kept")
	d.handled(t, 3)
	d.wantConns(t, "after an edit", 0)
	b := d.socket("room", "b")
	joined(t, b)
	b.awaitText(t, "kept")
	a.room = "other"
	joined(t, a)
}

// A consumer may leave a room and join it again.
func TestConnectAgain(t *testing.T) {
	d := start(t, "")
	a := d.socket("room", "a")
	joined(t, a)
	a.push(t, entry(a.message("disconnect")))
	a.steps = 0
	joined(t, a)
	d.wantConns(t, "after a disconnect and another connect", 1)
}

// A room takes nothing from a connection that it has closed.
func TestWriteAfterClose(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, b)
	joined(t, a)
	a.send(t, protocol.Message{Type: protocol.Update, Data: []byte{9, 9, 9}})
	a.awaitMalformed(t)
	before := d.layer.Stats().Received
	a.write(t, "ignored")
	d.handled(t, before+1)
	d.wantConns(t, "after an edit", 1)
	b.write(t, "b")
	c := d.socket("room", "c")
	joined(t, c)
	c.awaitText(t, "b")
}

func TestSkipLogsLittle(t *testing.T) {
	var log bytes.Buffer
	p := &proxy{log: slog.New(slog.NewTextHandler(&log, nil)), logs: rate.New(1), bus: &bus{now: time.Now}}
	long := strings.Repeat("x", 1<<20)
	p.skip(message{room: long}, errors.New(long))
	if log.Len() == 0 || log.Len() > 1000 {
		t.Errorf("%d bytes are logged", log.Len())
	}
}
