package attack_test

import (
	"context"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// slowReaders request a large document and don't read it. Without a bound, each of them
// makes the server hold an encoding of the document.
func slowReaders(ctx context.Context, a *attacker) {
	a.many(ctx, 40, same("large"), func(i int, c *wsclient.Client) bool {
		_ = c.Send(testkit.SyncStep1(uvarints(nil, 1, 1_000_000+uint64(i), 1)))
		return hold(ctx)
	})
}
