package main

import "github.com/yroom/yroom/layer/djangolayer"

// djangoLayer is the layer of a worker behind Django processes.
type djangoLayer interface{ Stats() djangolayer.Stats }

// readDjango makes the metrics have what read returns of a layer of Django processes.
func (m *metrics) readDjango(read func() djangolayer.Stats) {
	type stats = djangolayer.Stats
	r := &readings[stats]{read: read}
	r.gauge("django_connections", "Connections of clients at Django processes.", func(s *stats) float64 { return float64(s.Conns) })
	r.gauge("django_behind", "Django processes that lack updates of a room, each room counted.", func(s *stats) float64 { return float64(s.Behind) })
	r.total("django_received_total", "Messages from Django processes.", func(s *stats) float64 { return float64(s.Received) })
	r.total("django_skipped_total", "Messages from Django processes that can't be used.", func(s *stats) float64 { return float64(s.Skipped) })
	r.total("django_repeated_total", "Messages from Django processes that came again, and were dropped.", func(s *stats) float64 { return float64(s.Repeated) })
	r.total("django_sent_total", "Messages to Django processes.", func(s *stats) float64 { return float64(s.Sent) })
	r.total("django_full_total", "How often a Django process, or what waits for it, had no capacity for a message.", func(s *stats) float64 { return float64(s.Full) })
	r.total("django_refused_total", "Messages to Django processes that Redis has refused.", func(s *stats) float64 { return float64(s.Refused) })
	m.registry.MustRegister(r)
}
