package attack_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
)

// largeHeaders open WebSockets by requests with header fields of a megabyte, and keep
// them. Without a bound, a hundred of them take more than a gibibyte.
func largeHeaders(ctx context.Context, a *attacker) {
	var fields strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&fields, "X-%d: %s\r\n", i, strings.Repeat("x", 900))
	}
	request := "GET /ws/headers HTTP/1.1\r\nHost: " + a.host + "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" + fields.String() + "\r\n"
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			for ctx.Err() == nil {
				c, err := a.dialTCP(ctx, "tcp", "")
				if err != nil {
					wait(ctx)
					continue
				}
				_, _ = io.WriteString(c, request) // the server may close the connection
				_, _ = io.Copy(io.Discard, c)
				_ = c.Close()
				a.closed.Add(1)
				wait(ctx)
			}
		})
	}
	all.Wait()
}
