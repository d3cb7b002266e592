package worker

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// recorder is a front that records its outputs.
type recorder struct {
	layer.Front

	t    *testing.T
	mu   sync.Mutex
	outs []layer.Output
	lost int // how often Lost was called
}

func attach(t *testing.T, l layer.Layer) *recorder {
	t.Helper()
	r := &recorder{t: t}
	var err error
	r.Front, err = l.Attach(layer.FrontHandler{
		Deliver: func(outs []layer.Output) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.outs = append(r.outs, outs...)
		},
		Lost: func(func(string) bool) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.lost++
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *recorder) send(name string, in event.Input) {
	r.t.Helper()
	if err := r.Send(layer.Input{Room: name, Input: in}); err != nil {
		r.t.Fatalf("Send: %v", err)
	}
}

func (r *recorder) join(name string, conns ...event.ConnID) {
	r.t.Helper()
	for _, conn := range conns {
		r.send(name, event.Input{Kind: event.InputJoin, Conn: conn, Access: event.AccessWrite | event.AccessPresent})
	}
}

// take returns the outputs since the last call.
func (r *recorder) take() []layer.Output {
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	outs := r.outs
	r.outs = nil
	return outs
}

// want fails the test unless exactly these outputs were delivered since the last call.
func (r *recorder) want(want ...string) []layer.Output {
	r.t.Helper()
	outs := r.take()
	got := []string{}
	for _, out := range outs {
		got = append(got, line(out))
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		r.t.Errorf("delivered (- want, + got):\n%s", diff)
	}
	return outs
}

// client is the document of a connection, to which the updates for the connection are
// applied.
type client struct {
	conn event.ConnID
	doc  *blocks.Store
	mark event.Mark
}

func newClient(conn event.ConnID) *client { return &client{conn: conn, doc: blocks.New()} }

// apply applies those outputs that are for the client, and fails the test if a
// broadcast is not the next one.
func (c *client) apply(t *testing.T, outs []layer.Output) {
	t.Helper()
	for _, out := range outs {
		to := out.Output.To
		if to != c.conn && to != event.Everyone || !slices.Contains([]protocol.Type{protocol.Update, protocol.SyncStep2}, out.Message.Type) {
			continue
		}
		if to == event.Everyone && (out.Mark.Epoch != c.mark.Epoch || out.Mark.Seq != c.mark.Seq+1) {
			t.Errorf("a broadcast has the mark %v after %v", out.Mark, c.mark)
		}
		c.mark = out.Mark
		if _, err := c.doc.Apply(slices.Clone(out.Message.Data), blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
}

// want fails the test unless the document consists of these updates.
func (c *client) want(t *testing.T, updates ...[]byte) {
	t.Helper()
	if diff := cmp.Diff(merged(t, updates...), c.doc.Encode(blocks.V1)); diff != "" {
		t.Errorf("the document of %d (-want +got)\n%s", c.conn, diff)
	}
}
