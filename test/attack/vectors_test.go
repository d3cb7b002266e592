package attack_test

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// madeUpVectors request what a document lacks after state vectors with clients that it
// doesn't have, again and again. Without a bound, each request of ten bytes makes the
// server encode the document once more.
func madeUpVectors(ctx context.Context, a *attacker) {
	a.many(ctx, 16, same("large"), func(_ int, c *wsclient.Client) bool {
		go readAll(c)
		for ctx.Err() == nil {
			if c.Send(testkit.SyncStep1(uvarints(nil, 1, uint64(rand.Uint32()), 1))) != nil {
				return true
			}
			pause(ctx, time.Millisecond)
		}
		return false
	})
}
