package sim

import (
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/protocol"
)

// Some clients count their updates as Hocuspocus providers do, and show the user whether
// everything is saved. Their connections join with acks, and are closed in place of
// joining again.

// newOutbox returns the outbox of a connection of c.
func (c *client) newOutbox() outbox.Outbox {
	greeting := event.GreetingServer
	if c.counts {
		greeting = event.GreetingClient
	}
	return outbox.New(c.world.outboxSize, greeting, awarenessFrame)
}

// rejoin makes the connection join again, or closes it if it has acks.
func (c *conn) rejoin() {
	if c.client.counts && c.out.Joined() {
		c.client.world.seen.recounts++
		c.close()
		return
	}
	c.out.Rejoin()
	c.pump(&c.sending, c.sendNext)
}

// sent records an update of the client that the layer has taken.
func (c *conn) sent(m *protocol.Message) {
	if c.client.counts && (m.Type == protocol.SyncStep2 || m.Type == protocol.Update) {
		c.out.Update()
		c.unanswered = append(c.unanswered, m.Data)
	}
}

// checkAnswer checks an Ack, a Reject or an Uncounted: it must be for updates of the
// connection, and unless it is a Reject, for updates that are stored.
func (c *conn) checkAnswer(m *protocol.Message) {
	w, name := c.client.world, roomNames[c.client.room]
	w.seen.acks++
	if !c.client.counts || m.Count < 1 || m.Count > len(c.unanswered) {
		w.failf("%s: %d updates of client %d were answered, which has sent %d", name, m.Count, c.client.id, len(c.unanswered))
		return
	}
	answered := c.unanswered[:m.Count]
	c.unanswered = c.unanswered[m.Count:]
	if !c.client.access.May(event.AccessWrite) || c.client.judged {
		return // what is stored and what is rejected may be in one turn, in any order
	}
	if m.Type == protocol.Reject {
		w.failf("%s: an update of client %d was rejected, which may write", name, c.client.id)
	}
	for _, update := range answered {
		if held, err := w.disk.logs[c.client.room].ever.Contains(update, blocks.V1); !held || err != nil {
			w.failf("%s: an update of client %d was acknowledged that is not stored (%v)", name, c.client.id, err)
		}
	}
}

// sendUncounted sends what the client has typed while it was not connected, as the provider
// does after SyncStep1, whose state vector has it. The provider doesn't count it.
func (c *client) sendUncounted() {
	for _, update := range c.uncounted {
		c.world.seen.uncounted++
		c.send(protocol.Update, update)
	}
	c.uncounted = nil
}

// count adds to the changes that the client shows as unsaved.
func (c *client) count(changes int) {
	if c.counts && c.conn != nil {
		c.unsaved += changes
	}
}

// recount does what the provider does when it sends SyncStep1: it begins to count again, and expects
// one ack for the SyncStep2 that it will be asked for.
func (c *client) recount() {
	if c.counts {
		c.unsaved = 1
	}
}

// saved handles an ack as the provider does, and checks that what it then shows to the user
// is true.
func (c *client) saved() {
	w := c.world
	c.unsaved = max(c.unsaved-1, 0)
	if c.unsaved > 0 || !c.access.May(event.AccessWrite) || c.judged || !w.chance(30) {
		return
	}
	w.seen.saved++
	if held, err := w.disk.logs[c.room].ever.Contains(c.doc.Encode(blocks.V1), blocks.V1); !held || err != nil {
		w.failf("%s: client %d shows everything as saved, but it isn't stored (%v)", roomNames[c.room], c.id, err)
	}
}

// checkSaved checks that every connection has an answer to each update, and that every
// client shows everything as saved.
func (w *world) checkSaved() {
	for _, c := range w.clients {
		if !c.counts || c.frozen || c.conn == nil {
			continue
		}
		if n := len(c.conn.unanswered); n > 0 {
			w.failf("%s: client %d waits for the answers to %d updates", roomNames[c.room], c.id, n)
		}
		if c.unsaved > 0 && c.access.May(event.AccessWrite) && !c.judged {
			w.failf("%s: client %d shows %d changes as unsaved", roomNames[c.room], c.id, c.unsaved)
		}
	}
}
