package worker

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store/memstore"
)

// TestFaultyLayer lets clients type while the layer loses, delays, reorders and
// duplicates messages, and while workers replace each other. In the end the store and
// every client must have all edits.
func TestFaultyLayer(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { faultyLayerRun(t, seed) })
		})
	}
}

func faultyLayerRun(t *testing.T, seed uint64) {
	t.Helper()
	rnd := rand.New(rand.NewPCG(seed, 7))
	l := layertest.Inject(memlayer.New(), layertest.Faults{Lose: 10, Duplicate: 5, Reorder: 5, Delay: 30, Seed: seed})
	s := memstore.New()
	config := Config{Layer: l, Store: s, Room: func(string) Settings { return Settings{RemoveDelay: time.Second} }}
	stop := begin(t, config)
	fronts := []*consumer{newConsumer(t, l, 1, 2), newConsumer(t, l, 3)}
	round := func() {
		time.Sleep(time.Duration(rnd.IntN(20)) * time.Millisecond)
		synctest.Wait()
		for _, c := range fronts {
			c.work()
		}
	}
	var all [][]byte
	for i := range 200 {
		c := fronts[rnd.IntN(len(fronts))]
		m := c.members[rnd.IntN(len(c.members))]
		u := typed(uint64(m.conn), uint64(m.typed))
		m.typed++
		all = append(all, u)
		if _, err := m.doc.Apply(slices.Clone(u), blocks.V1); err != nil {
			t.Fatal(err)
		}
		c.send(m, message(m.conn, protocol.Update, slices.Clone(u)))
		if i%70 == 50 {
			stop()
			round()
			stop = begin(t, config)
		}
		round()
	}
	l.Stop()
	for range 100 {
		round()
	}
	if got, want := storedDocument(t, s, "a").Encode(blocks.V1), merged(t, all...); !bytes.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
	for _, c := range fronts {
		for _, m := range c.members {
			m.want(t, all...)
		}
	}
	stop()
	for _, c := range fronts {
		c.Close()
	}
}

// consumer is a front that does what the contract requires of a consumer.
type consumer struct {
	layer.Front

	t       *testing.T
	members []*member

	mu   sync.Mutex
	outs []layer.Output
	lost bool
}

// member is a connection with its client.
type member struct {
	client

	typed  int
	rejoin bool // the connection has to join again
}

func newConsumer(t *testing.T, l layer.Layer, conns ...event.ConnID) *consumer {
	t.Helper()
	c := &consumer{t: t}
	for _, conn := range conns {
		c.members = append(c.members, &member{client: *newClient(conn), rejoin: true})
	}
	var err error
	c.Front, err = l.Attach(layer.FrontHandler{
		Deliver: func(outs []layer.Output) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.outs = append(c.outs, outs...)
		},
		Lost: func(affected func(string) bool) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.lost = c.lost || affected("a")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// send sends an input. A connection whose input is not taken joins again.
func (c *consumer) send(m *member, in event.Input) {
	if err := c.Send(layer.Input{Room: "a", Input: in}); err != nil {
		m.rejoin = true
	}
}

// work handles the outputs that have arrived.
func (c *consumer) work() {
	c.mu.Lock()
	outs, lost := c.outs, c.lost
	c.outs, c.lost = nil, false
	c.mu.Unlock()
	for _, m := range c.members {
		m.rejoin = m.rejoin || lost
		for _, out := range outs {
			if out.Output.To == m.conn || out.Output.To == event.Everyone {
				c.take(m, out)
			}
		}
		if m.rejoin {
			m.rejoin = false
			c.send(m, event.Input{
				Kind: event.InputJoin, Conn: m.conn, Access: event.AccessWrite,
				Greeting: event.GreetingRejoin, Mark: m.mark,
			})
		}
	}
}

// take handles an output for a connection.
func (c *consumer) take(m *member, out layer.Output) {
	switch {
	case out.Kind == event.OutputRejoin, out.Message.Type == protocol.Close:
		m.rejoin = true
		return
	case out.Message.Type == protocol.SyncStep1:
		diff, err := m.doc.Diff(out.Message.Data, blocks.V1)
		if err != nil {
			c.t.Fatal(err)
		}
		c.send(m, message(m.conn, protocol.SyncStep2, diff))
		return
	case out.Message.Type != protocol.Update && out.Message.Type != protocol.SyncStep2:
		return
	}
	same := out.Mark.Epoch == m.mark.Epoch
	switch {
	case same && out.Mark.Seq <= m.mark.Seq:
		return // it has this
	case out.Output.To == event.Everyone && (!same || out.Mark.Seq != m.mark.Seq+1):
		c.send(m, event.Input{Kind: event.InputResync, Conn: m.conn, Mark: m.mark})
		return
	}
	m.mark = out.Mark
	if _, err := m.doc.Apply(slices.Clone(out.Message.Data), blocks.V1); err != nil {
		c.t.Fatal(err)
	}
}
