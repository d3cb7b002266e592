package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
)

// health answers whether the process is alive and whether it is ready. It is alive even if
// other processes have failed, because a restart would not help then. It is ready while
// its layer reaches the other processes and it isn't shutting down.
type health struct {
	layer    openedLayer
	draining atomic.Bool
}

// ServeHTTP implements http.Handler for /healthz and /readyz at an address for operators.
func (h *health) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.answer(w, r, true) }

// answer answers a request for /healthz or /readyz. Only an operator is told why the
// process isn't ready, because the reason may name servers of a private network.
func (h *health) answer(w http.ResponseWriter, r *http.Request, toOperator bool) {
	w.Header().Set("Cache-Control", "no-store")
	switch r.URL.Path {
	case "/healthz":
		fmt.Fprintln(w, "ok")
	case "/readyz":
		if h.draining.Load() {
			http.Error(w, "draining", http.StatusServiceUnavailable)
		} else if err := h.layer.Ready(); err != nil && toOperator {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		} else if err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		} else {
			fmt.Fprintln(w, "ready")
		}
	default:
		http.NotFound(w, r)
	}
}

// ownServer serves operators at an address of its own. The zero value serves nothing.
type ownServer struct {
	*http.Server

	address string
}

// serveOwn serves h at addr, unless addr is "". flag is the flag that sets addr. Other
// machines may reach the address, so h decides what they may see.
func serveOwn(ctx context.Context, flag, addr string, h http.Handler, log *slog.Logger) (ownServer, error) {
	if addr == "" {
		return ownServer{}, nil
	}
	listener, err := listen(ctx, flag, addr, true)
	if err != nil {
		return ownServer{}, err
	}
	server := newHTTPServer(h, slog.NewLogLogger(log.Handler(), slog.LevelWarn))
	go func() {
		if err := server.Serve(listener); err != nil && err != http.ErrServerClosed {
			log.Error("The address of "+flag+" is no longer served. Restart the process.", "address", addr, "error", err)
		}
	}()
	return ownServer{server, listener.Addr().String()}, nil
}

// end ends the server.
func (s ownServer) end() error {
	if s.Server == nil {
		return nil
	}
	return s.Close()
}
