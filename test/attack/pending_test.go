package attack_test

import (
	"context"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// pendingBlocks write texts that depend on blocks that never arrive, as much of them as
// a room holds, to many rooms.
func pendingBlocks(ctx context.Context, a *attacker) {
	message := testkit.Update(testkit.Typed(7, 1, texts()))
	a.many(ctx, 200, own("pending"), func(_ int, c *wsclient.Client) bool {
		if c.Send(message) != nil {
			return true
		}
		return readAll(c)
	})
}
