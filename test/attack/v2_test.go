package attack_test

import (
	"context"
	"math/rand/v2"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// expandingV2 writes updates in V2, in which some bytes stand for any number of blocks,
// to rooms that use V2.
func expandingV2(ctx context.Context, a *attacker) {
	bombs := make([][]byte, 2)
	for i := range bombs {
		const n = 100_000
		v1 := uvarints(nil, 1, n, uint64(rand.Uint32()), 0)
		for range n {
			v1 = uvarints(v1, 0, 1+uint64(i)%2)
		}
		v2, err := blocks.Convert(blocks.V1, blocks.V2, append(v1, 0))
		if err != nil {
			panic(err) // it isn't an update
		}
		bombs[i] = testkit.Update(v2)
	}
	a.many(ctx, 16, own("v2."), func(_ int, c *wsclient.Client) bool {
		go readAll(c)
		for ctx.Err() == nil {
			if c.Send(bombs[rand.IntN(len(bombs))]) != nil {
				return true
			}
		}
		return false
	})
}
