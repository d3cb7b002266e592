package attack_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/protocol"
)

const (
	pairs     = 4 // of honest clients, each in a room of its own
	typeEvery = 50 * time.Millisecond
	joinEvery = 500 * time.Millisecond
)

// latencies are how long honest clients waited: readers for an edit, newcomers for the
// document.
type latencies []time.Duration

func (l latencies) percentile(p int) time.Duration {
	if len(l) == 0 {
		return 0
	}
	slices.Sort(l)
	return l[(len(l)-1)*p/100]
}

func (l latencies) String() string {
	return fmt.Sprintf("median %v, 99%% %v, at most %v of %d", l.percentile(50).Round(10*time.Microsecond),
		l.percentile(99).Round(time.Millisecond), l.percentile(100).Round(time.Millisecond), len(l))
}

// honest are clients that behave as people do.
type honest struct {
	server *server
	ended  context.CancelFunc
	group  sync.WaitGroup

	mu      sync.Mutex
	seen    latencies
	waiting map[string]time.Time // when what a client waits for began
	faults  []error
}

func newHonest(t *testing.T, s *server) *honest {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	h := &honest{server: s, ended: cancel, waiting: make(map[string]time.Time)}
	for i := range pairs {
		h.group.Go(func() {
			for client := uint64(i); ctx.Err() == nil; client += pairs {
				h.fault(ctx, h.pair(ctx, i, client+1))
				wait(ctx)
			}
		})
	}
	h.group.Go(func() {
		for ctx.Err() == nil {
			h.fault(ctx, h.newcomers(ctx))
			wait(ctx)
		}
	})
	t.Cleanup(h.stop)
	return h
}

func (h *honest) stop() {
	h.ended()
	h.group.Wait()
}

func (h *honest) fault(ctx context.Context, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil && ctx.Err() == nil {
		h.faults = append(h.faults, err)
	}
}

// pair types in a room and reads what arrives in it.
func (h *honest) pair(ctx context.Context, i int, client uint64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer h.forget()
	room := fmt.Sprintf("honest-%d", i)
	reader, err := h.dial(ctx, room)
	if err != nil {
		return err
	}
	writer, err := h.dial(ctx, room)
	if err != nil {
		return err
	}
	doc := blocks.New()
	what := func(n uint64) string { return fmt.Sprintf("%s %d %d", room, client, n) }
	h.group.Go(func() {
		h.fault(ctx, h.read(ctx, writer, func([]byte) {}))
	})
	h.group.Go(func() {
		for n := uint64(0); ctx.Err() == nil; n++ {
			frame := testkit.Update(testkit.Typed(client, n, "x"))
			h.begin(what(n))
			if writer.Send(frame) != nil { // read returns the error of a broken connection
				return
			}
			pause(ctx, typeEvery)
		}
	})
	read := uint64(0) // the edits that have arrived
	return h.read(ctx, reader, func(frame []byte) {
		if m, _, ok, err := (protocol.Plain{}).Next(frame); ok && err == nil && (m.Type == protocol.Update || m.Type == protocol.SyncStep2) {
			_, _ = doc.Apply(m.Data, blocks.V1) // an update that can't be read doesn't raise the clock
		}
		for ; read < doc.Clock(client); read++ {
			h.end(what(read))
		}
	})
}

// newcomers open a room, receive its document and leave, one after the other.
func (h *honest) newcomers(ctx context.Context) error {
	for n := 0; ctx.Err() == nil; n++ {
		room := fmt.Sprintf("honest-%d", n%pairs)
		h.begin("newcomer")
		c, err := h.dial(ctx, room)
		for errors.As(err, new(ws.StatusError)) { // too many join; stock clients try again, too
			pause(ctx, 100*time.Millisecond)
			c, err = h.dial(ctx, room)
		}
		if err != nil {
			return fmt.Errorf("a newcomer can't connect: %w", err)
		}
		if err := c.Send(testkit.SyncStep1([]byte{0})); err != nil {
			return err
		}
		for {
			op, frame, err := c.Read()
			if err != nil || op == ws.OpClose {
				return fmt.Errorf("a newcomer was closed: %w, %q", err, frame)
			}
			if len(frame) > 2 && frame[0] == 0 && frame[1] == 1 {
				break
			}
		}
		h.end("newcomer")
		if err := c.Close(); err != nil {
			return err
		}
		pause(ctx, joinEvery)
	}
	return nil
}

// dial connects to a room until ctx ends.
func (h *honest) dial(ctx context.Context, room string) (*wsclient.Client, error) {
	c, err := wsclient.DialOver(ctx, nil, h.server.URL(room), from("198.51.100.1"))
	if err == nil {
		context.AfterFunc(ctx, func() { _ = c.Close() })
	}
	return c, err
}

// read reads messages until ctx ends. It answers pings and SyncStep1.
func (h *honest) read(ctx context.Context, c *wsclient.Client, got func(frame []byte)) error {
	for {
		op, frame, err := c.Read()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		switch {
		case err != nil:
			return fmt.Errorf("an honest client has lost its connection: %w", err)
		case op == ws.OpClose:
			code, reason := ws.ParseCloseFrameData(frame)
			return fmt.Errorf("an honest client was closed with %d: %s", code, reason)
		case op == ws.OpPing:
			_ = c.Write(wsclient.Frame(ws.OpPong, true, frame)) // Read returns the error of a broken connection
		case op == ws.OpBinary:
			got(frame)
		}
	}
}

func (h *honest) begin(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.waiting[what] = time.Now()
}

func (h *honest) end(what string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if begin, ok := h.waiting[what]; ok {
		h.seen = append(h.seen, time.Since(begin))
		delete(h.waiting, what)
	}
}

// forget forgets what clients wait for, because one of them has lost its connection.
func (h *honest) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.waiting)
}

// reset forgets what was measured so far.
func (h *honest) reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seen = nil
}

// take returns what was measured since reset. It includes what clients still wait for.
func (h *honest) take() latencies {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := slices.Clone(h.seen)
	for _, begin := range h.waiting {
		if d := time.Since(begin); d > typeEvery {
			seen = append(seen, d)
		}
	}
	return seen
}

// check fails the test if an honest client was closed.
func (h *honest) check(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := errors.Join(h.faults...); err != nil {
		t.Error(err)
	}
	h.faults = nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// wait is a pause after a refusal.
func wait(ctx context.Context) { pause(ctx, 20*time.Millisecond) }
