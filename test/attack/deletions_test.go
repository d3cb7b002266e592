package attack_test

import (
	"context"
	"strings"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// manyDeletions delete every other character of a text, which divides it into millions
// of blocks that take much more memory than the text.
func manyDeletions(ctx context.Context, a *attacker) {
	const characters = 6 << 20
	update := uvarints(nil, 0, 1, 7, characters/2) // no blocks; of one client, so many ranges
	for clock := uint64(0); clock < characters; clock += 2 {
		update = uvarints(update, clock, 1)
	}
	message := testkit.Update(update)
	text := testkit.Update(testkit.Typed(7, 0, strings.Repeat("x", characters)))
	a.many(ctx, 6, own("deletions"), func(_ int, c *wsclient.Client) bool {
		if c.Send(text) != nil || c.Send(message) != nil {
			return true
		}
		return readAll(c)
	})
}
