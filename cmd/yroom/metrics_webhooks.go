package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yroom/yroom/webhook"
)

// readWebhooks makes the metrics have what read returns, of these webhooks.
func (m *metrics) readWebhooks(hooks []webhook.Hook, read func() []webhook.Stats) {
	type stats = map[string]webhook.Stats
	r := &readings[stats]{read: func() stats {
		all := stats{}
		for _, s := range read() {
			all[s.Hook] = s
		}
		return all
	}}
	of := func(value func(webhook.Stats) float64) map[string]func(*stats) float64 {
		values := map[string]func(*stats) float64{}
		for _, h := range hooks {
			values[h.Name] = func(s *stats) float64 { return value((*s)[h.Name]) }
		}
		return values
	}
	const label = "webhook"
	r.each(prometheus.CounterValue, "webhook_delivered_total", "Requests of a webhook that were answered with a status of the class 2xx.", label,
		of(func(s webhook.Stats) float64 { return float64(s.Delivered) }))
	r.each(prometheus.CounterValue, "webhook_failures_total", "Attempts to send a request of a webhook that have failed.", label,
		of(func(s webhook.Stats) float64 { return float64(s.Failed) }))
	r.each(prometheus.CounterValue, "webhook_removed_total", "Events connected and disconnected of a webhook that were removed, because too many of their room waited.", label,
		of(func(s webhook.Stats) float64 { return float64(s.Removed) }))
	r.each(prometheus.GaugeValue, "webhook_waiting", "Events that wait in the stores for a webhook.", label,
		of(func(s webhook.Stats) float64 { return float64(s.Waiting) }))
	r.each(prometheus.GaugeValue, "webhook_given_up", "Events that were given up, and wait to be replayed.", label,
		of(func(s webhook.Stats) float64 { return float64(s.GivenUp) }))
	r.each(prometheus.GaugeValue, "webhook_oldest_seconds", "The age of the oldest event that waits for a webhook; 0 if there is none.", label,
		of(func(s webhook.Stats) float64 {
			if s.Oldest.IsZero() {
				return 0
			}
			return time.Since(s.Oldest).Seconds()
		}))
	m.registry.MustRegister(r)
}
