package load

import (
	"errors"
	"fmt"

	"github.com/yroom/yroom/internal/lib0"
)

// streamed is the size from which a message is passed on in parts, if the person takes them:
// many clients that receive a large document at once would need memory for it once each.
const streamed = 1 << 20

// partTaker is a person who takes a large update in parts. After the last one, rest is 0.
type partTaker interface {
	takePart(part []byte, rest int64)
}

var errLarge = errors.New("the server sends a large message that is neither a SyncStep2 nor an Update")

// takeLarge reads a message of size bytes in parts.
func (c *client) takeLarge(size int64, to partTaker) error {
	const head = 600 // bytes that hold everything before the update: the longest name of a room has 255 bytes
	if err := c.need(head); err != nil {
		return err
	}
	r := lib0.NewReader(c.in[c.from : c.from+head])
	if c.target.Dialect == Hocuspocus {
		r.Bytes() // the address
	}
	kind, step, rest := r.Uint(), r.Uint(), int64(r.Uint())
	if r.Err() != nil || kind != wireSync || step == wireStep1 || rest != size-int64(r.Offset()) {
		return fmt.Errorf("%w: it has %d bytes", errLarge, size)
	}
	c.from += r.Offset()
	for {
		part := c.in[c.from:min(c.to, c.from+int(rest))]
		c.from += len(part)
		rest -= int64(len(part))
		to.takePart(part, rest)
		if rest == 0 {
			break
		}
		if len(c.in) < largeBuffer {
			c.in = make([]byte, largeBuffer)
		}
		c.from, c.to = 0, 0
		if err := c.need(1); err != nil {
			return err
		}
	}
	if step == wireStep2 {
		c.hasSynced()
	}
	return nil
}
