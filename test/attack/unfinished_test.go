package attack_test

import (
	"context"
	"encoding/binary"

	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// unfinishedMessages send all but the last byte of a message that is as large as it may
// be, on many connections.
func unfinishedMessages(ctx context.Context, a *attacker) {
	const size = 16 << 20
	frame := binary.BigEndian.AppendUint64([]byte{0x82, 0x80 | 127}, size)
	frame = append(frame, 0, 0, 0, 0) // the mask
	frame = append(frame, make([]byte, size-1)...)
	a.many(ctx, 100, own("unfinished"), func(_ int, c *wsclient.Client) bool {
		if c.Write(frame) != nil {
			return true
		}
		return readAll(c)
	})
}
