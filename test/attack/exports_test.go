package attack_test

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// exports requests a document of 4 MB as JSON many times at once. Each takes many times
// the document, which is integrated for it.
func exports(ctx context.Context, a *attacker) {
	var all sync.WaitGroup
	for range 24 {
		all.Go(func() {
			for ctx.Err() == nil {
				r, err := a.request(ctx, "GET", "/api/rooms/export?format=json&root=maps%3Darray", nil)
				if err != nil {
					wait(ctx)
					continue
				}
				_, _ = io.Copy(io.Discard, r.Body) // ctx ends it
				_ = r.Body.Close()
				if r.StatusCode != http.StatusOK {
					wait(ctx)
				}
			}
		})
	}
	all.Wait()
}

// unreadEvents watch a document of 16 MiB and don't read what they are sent. Without a
// bound in bytes, each of them makes the server hold its first event.
func unreadEvents(ctx context.Context, a *attacker) {
	var all sync.WaitGroup
	for range 300 {
		all.Go(func() {
			for ctx.Err() == nil {
				r, err := a.request(ctx, "GET", "/api/rooms/events/events", nil)
				if err != nil {
					wait(ctx)
					continue
				}
				if r.StatusCode == http.StatusOK {
					hold(ctx)
				} else {
					wait(ctx)
				}
				_ = r.Body.Close()
			}
		})
	}
	all.Wait()
}
