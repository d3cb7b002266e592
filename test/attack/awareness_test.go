package attack_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// awarenessFlood shows as many and as large states as it may on many connections, and
// requests all of them again and again with messages of one byte.
func awarenessFlood(ctx context.Context, a *attacker) {
	state := fmt.Sprintf("%q", strings.Repeat("x", 64<<10-2))
	a.many(ctx, 100, same("awareness"), func(i int, c *wsclient.Client) bool {
		for id := range uint64(16) {
			if c.Send(testkit.Awareness(testkit.Present(uint64(i)*16+id+1, 1, state))) != nil {
				return true
			}
		}
		go readAll(c)
		for i < 16 && ctx.Err() == nil {
			if c.Send([]byte{3}) != nil { // QueryAwareness
				return true
			}
		}
		return hold(ctx)
	})
}
