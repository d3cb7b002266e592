package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/worker"
)

const metricsPath = "/metrics"

// metricsOnly serves metrics at an address of their own, which has no guard.
func metricsOnly(metrics http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, metrics)
	return mux
}

// withMetrics serves metrics in addition to h.
func withMetrics(h, metrics http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == metricsPath {
			metrics.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// metrics passes requests for metrics on to next if they are from this machine or carry
// the token.
func (g guard) metrics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if g.refuse(r) != "" {
			http.Error(w, "Metrics are for this machine, and for requests with the server’s API token. "+
				"For a Prometheus elsewhere, set --metrics-listen to an address that only it reaches.", g.challenge(w.Header()))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// readServer makes the metrics have what a server does and has in memory.
func (m *metrics) readServer(s *yroom.Server, withWorker bool) {
	m.readConsumer(func() consumer.Stats { conns, _ := s.Stats(); return conns })
	if withWorker {
		m.readWorker(func() worker.Stats { _, rooms := s.Stats(); return rooms })
	}
}

// readProcess makes the metrics have what every process has.
func (m *metrics) readProcess(h *health) {
	m.readHealth(h)
	if l, ok := h.layer.(linked); ok {
		m.readLayer(func() linkStats { return readLink(l) })
	}
	if l, ok := h.layer.(djangoLayer); ok {
		m.readDjango(l.Stats)
	}
}

// operators are the servers at addresses for operators.
type operators struct{ health, metrics ownServer }

// serveOperators serves the addresses for operators that are set. flag is the flag that
// sets the one for health, where metrics have the guard.
func serveOperators(ctx context.Context, flag string, set settings, health http.Handler, guard guard, metrics http.Handler, log *slog.Logger) (o operators, err error) {
	if o.health, err = serveOwn(ctx, flag, set.Health, withMetrics(health, guard.metrics(metrics)), log); err != nil {
		return operators{}, err
	}
	if o.metrics, err = serveOwn(ctx, "--metrics-listen", set.MetricsListen, metricsOnly(metrics), log); err != nil {
		return operators{}, errors.Join(err, o.end())
	}
	return o, nil
}

// about describes the addresses for the log.
func (o operators) about() (attrs []any) {
	if o.health.address != "" {
		attrs = append(attrs, "health", o.health.address)
	}
	if o.metrics.address != "" {
		attrs = append(attrs, "metrics", o.metrics.address)
	}
	return attrs
}

func (o operators) end() error { return errors.Join(o.health.end(), o.metrics.end()) }
