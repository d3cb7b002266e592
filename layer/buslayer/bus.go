package buslayer

import (
	"time"

	"github.com/yroom/yroom/layer/link"
)

// PublishTime is how long a broker may take for a batch of packets. After that, the Bus
// gives up the batch.
const PublishTime = time.Second

// Bus is the connection of a process to a broker. It may lose packets. It should
// neither duplicate nor reorder those of one sender. The layer skips a duplicate, and
// treats a reordered packet as a loss.
type Bus interface {
	// Subscribe starts to receive what is sent to id and to link.Everyone. It is called
	// once, and doesn't wait for the subscription. Until Close, the Bus subscribes again
	// whenever the subscription was interrupted.
	Subscribe(id link.ID, s Subscriber)
	// Publish publishes packets in their order. When it returns nil, the Bus has passed
	// them to the broker or has them in a buffer that is sent at once. After an error, some
	// of them may be lost. Publish must return soon after PublishTime, even if the broker
	// doesn't answer. It must not change the packets, and may keep their data, but not the
	// slice. It is never called while another call of it is running.
	Publish(packets []link.Packet) error
	// Renew replaces the subscription by one on a new connection, because nothing arrives
	// over the current one. It doesn't wait for the new connection, and does nothing while
	// the Bus is connecting.
	Renew()
	// Close closes the connection. When it returns, no function of the Subscriber is
	// running or will run.
	Close() error
}

// Subscriber holds the functions that a Bus calls, one at a time. They may block while the
// process has too much to do. Meanwhile the Bus should read no more from the broker.
type Subscriber struct {
	// Receive handles a packet that has arrived. It may keep data, which neither side may
	// change afterwards.
	Receive func(data []byte)
	// Subscribed reports that the subscription works, for the first time or again. What
	// was sent meanwhile may be lost.
	Subscribed func()
	// Interrupted reports why the subscription doesn't work. It may be called several
	// times in a row. The error must not contain a password.
	Interrupted func(err error)
}
