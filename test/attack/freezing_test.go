package attack_test

import (
	"context"
	"math/rand/v2"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// freezingUpdates write updates that every yjs client would integrate for minutes: n
// types in a row, and n types before them without origin, each with another right origin.
func freezingUpdates(ctx context.Context, a *attacker) {
	a.many(ctx, 8, own("freezing"), func(_ int, c *wsclient.Client) bool {
		if c.Send(testkit.Update(freezing(uint64(rand.Uint32()), 16_000))) != nil {
			return true
		}
		return readAll(c)
	})
}

// freezing returns an update of a client that freezes yjs.
func freezing(client uint64, n int) []byte {
	const content, character, origin, right, isMap = 7, 4, 0x80, 0x40, 1
	b := uvarints(nil, 1, 2*uint64(n), client, 0)
	b = append(uvarints(b, content, 1, 4), "maps"...)
	b = uvarints(b, isMap)
	for clock := range uint64(n - 1) {
		b = append(b, content|origin)
		b = uvarints(b, client, clock, isMap)
	}
	for clock := range uint64(n) {
		b = append(b, character|right)
		b = append(uvarints(b, client, clock, 1), 'x')
	}
	return append(b, 0)
}
