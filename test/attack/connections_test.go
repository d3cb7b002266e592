package attack_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// connectionFlood opens connections and keeps them: half of them to one room, the others
// without a request.
func connectionFlood(ctx context.Context, a *attacker) {
	var silent sync.WaitGroup
	for range 500 {
		silent.Go(func() {
			for ctx.Err() == nil {
				if _, err := a.dialTCP(ctx, "tcp", ""); err != nil {
					wait(ctx)
				}
				pause(ctx, time.Second)
			}
		})
	}
	a.many(ctx, 3000, same("connections"), func(_ int, c *wsclient.Client) bool { return readAll(c) })
	silent.Wait()
}

// roomFlood opens rooms, writes something to each, and goes on to the next.
func roomFlood(ctx context.Context, a *attacker) {
	var mu sync.Mutex
	n := 0
	next := func(int) string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprint("flood-", n)
	}
	a.many(ctx, 64, next, func(_ int, c *wsclient.Client) bool {
		_ = c.Send(testkit.Update(testkit.Typed(1, 0, "hello"))) // the server may close the connection
		_, _, _ = c.Read()
		return true
	})
}
