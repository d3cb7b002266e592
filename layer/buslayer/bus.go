package buslayer

import (
	"time"

	"github.com/yroom/yroom/layer/link"
)

// PublishTime is how long a broker may take for a batch of packets, before the Bus gives
// them up.
const PublishTime = time.Second

// Bus is the connection of a process to a broker. It may lose packets. It should
// neither duplicate nor reorder those of one sender: the layer treats that as a loss.
type Bus interface {
	// Subscribe starts to receive what is sent to id and to link.Everyone. It is called
	// once, and doesn't wait for the subscription. Until Close, the Bus subscribes again
	// whenever the subscription was interrupted.
	Subscribe(id link.ID, s Subscriber)
	// Publish publishes packets in their order. When it returns nil, the Bus has passed
	// them to the broker or has them in a buffer that is sent at once. After an error some may
	// be lost. It must return soon after PublishTime, even if the broker doesn't answer. Calls
	// follow each other. It must not change the packets, and may keep their data, but not the
	// slice.
	Publish(packets []link.Packet) error
	// Renew replaces the subscription by one on a fresh connection, because nothing
	// arrives by it. It doesn't wait for that, and does nothing while the Bus already
	// connects.
	Renew()
	// Close ends all. When it returns, no function of the Subscriber is running or will
	// run.
	Close() error
}

// Subscriber holds what a Bus calls. Calls follow each other. They may block while the
// process has too much to do, and then the Bus should read no more from the broker.
type Subscriber struct {
	// Receive handles a packet that has arrived. It may keep data, which must not be
	// changed any more.
	Receive func(data []byte)
	// Subscribed reports that the subscription works, for the first time or again. What
	// was sent meanwhile may be lost.
	Subscribed func()
	// Interrupted reports why the subscription doesn't work. It may be called
	// repeatedly. The error must not contain a password.
	Interrupted func(err error)
}
