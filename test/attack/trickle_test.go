package attack_test

import (
	"context"
	"io"
	"sync"
	"time"
)

// trickledRequests post updates that arrive byte by byte, with and without the token.
func trickledRequests(ctx context.Context, a *attacker) {
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			for ctx.Err() == nil {
				body, w := io.Pipe()
				go func() {
					for ctx.Err() == nil {
						if _, err := w.Write([]byte{0}); err != nil {
							return
						}
						pause(ctx, 200*time.Millisecond)
					}
					_ = w.Close()
				}()
				r, err := a.request(ctx, "POST", "/api/rooms/trickle", body)
				if err == nil {
					_ = r.Body.Close()
				}
				_ = body.Close()
				wait(ctx)
			}
		})
	}
	all.Wait()
}
