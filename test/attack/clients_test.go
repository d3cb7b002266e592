package attack_test

import (
	"context"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// manyClients write updates in which each block has another client. Without a bound, 12
// MB of them take 590 MiB in a room, and again at each load.
func manyClients(ctx context.Context, a *attacker) {
	const clients = 980_000
	update := uvarints(nil, clients)
	for i := range uint64(clients) {
		update = uvarints(update, 1, 1_000_000+i, 0, 0, 1) // one block: a range without content, of one element
	}
	message := testkit.Update(append(update, 0))
	a.many(ctx, 8, own("clients"), func(_ int, c *wsclient.Client) bool {
		if c.Send(message) != nil {
			return true
		}
		return readAll(c)
	})
}
