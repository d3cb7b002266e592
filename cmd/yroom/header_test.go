package main

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// A request with a header of more than 32 KiB is refused, at each address on which the
// command listens.
func TestLargeHeaders(t *testing.T) {
	own, err := serveOwn(t.Context(), "--health", "127.0.0.1:0", &health{layer: memoryLayer{}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer own.end()
	for _, host := range []string{start(t).Host, own.address} {
		for size, status := range map[int]int{16 << 10: http.StatusOK, 64 << 10: http.StatusRequestHeaderFieldsTooLarge} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+host+"/healthz", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Cookie", strings.Repeat("x", size))
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != status {
				t.Errorf("a header of %d bytes: status %d, want %d", size, resp.StatusCode, status)
			}
		}
	}
}
