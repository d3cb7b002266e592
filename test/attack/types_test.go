package attack_test

import (
	"context"
	"math/rand/v2"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// manyTypes write updates of a few kilobytes with hundreds of types into a large
// document. If the depth of types is searched for, each costs as much as the document.
func manyTypes(ctx context.Context, a *attacker) {
	a.many(ctx, 8, same("large"), func(_ int, c *wsclient.Client) bool {
		go readAll(c)
		for ctx.Err() == nil {
			if c.Send(testkit.Update(types(uint64(rand.Uint32()), 600))) != nil {
				return true
			}
			wait(ctx)
		}
		return false
	})
}

// types returns an update in which a client adds n maps to an array.
func types(client uint64, n int) []byte {
	const content, origin, isMap = 7, 0x80, 1
	b := uvarints(nil, 1, uint64(n), client, 0)
	b = append(uvarints(b, content, 1, 4), "maps"...)
	b = uvarints(b, isMap)
	for clock := range uint64(n - 1) {
		b = append(b, content|origin)
		b = uvarints(b, client, clock, isMap)
	}
	return append(b, 0)
}
