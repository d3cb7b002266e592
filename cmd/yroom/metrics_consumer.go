package main

import (
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/protocol"
)

// other is the value of a label for everything that has no value of its own.
const other = "other"

// closeCodes are the codes that metrics distinguish: those of package protocol, and 1000.
// Applications may choose others.
var closeCodes = []protocol.CloseCode{
	1000, protocol.CloseGoingAway, protocol.CloseProtocol, protocol.CloseNoCode, protocol.CloseAbnormal, protocol.CloseMalformed, protocol.ClosePolicy,
	protocol.CloseTooBig, protocol.CloseInternal, protocol.CloseRestart, protocol.CloseTryLater, protocol.CloseReset, protocol.CloseUnauthorized,
	protocol.CloseForbidden, protocol.CloseDeleted, protocol.CloseLateAuth, protocol.CloseCut,
}

// byCode counts by the close codes of a closed set, and by all others together.
type byCode struct {
	known map[protocol.CloseCode]prometheus.Counter
	other prometheus.Counter
}

func (m *metrics) byCode(name, help string, codes []protocol.CloseCode) byCode {
	words := []string{other}
	for _, code := range codes {
		words = append(words, strconv.Itoa(int(code)))
	}
	all := m.counters(name, help, "code", words...)
	known := make(map[protocol.CloseCode]prometheus.Counter, len(codes))
	for _, code := range codes {
		known[code] = all[strconv.Itoa(int(code))]
	}
	return byCode{known, all[other]}
}

func (c byCode) inc(code protocol.CloseCode) {
	if counter, ok := c.known[code]; ok {
		counter.Inc()
		return
	}
	c.other.Inc()
}

const (
	plainDialect      = "plain"
	hocuspocusDialect = "hocuspocus"
)

// consumerEvents returns the Events of a consumer, which count.
func (m *metrics) consumerEvents() consumer.Events {
	opened := m.counters("connections_opened_total", "Connections that have joined their rooms, by dialect.", "dialect", plainDialect, hocuspocusDialect)
	plain, hocuspocus := opened[plainDialect], opened[hocuspocusDialect]
	closed := m.byCode("connections_closed_total", "Connections that have ended, by close code.", closeCodes)
	refused := m.refusals()
	behind := m.counter("fell_behind_total", "How often a connection lacked updates that its room has sent.")
	resyncs := m.counter("resyncs_total", "How often a connection that was behind was brought up to date.")
	rejoins := m.counter("rejoins_total", "How often a connection has joined its room again, after a loss or at another worker.")
	return consumer.Events{
		Connected: func(c *consumer.Conn) {
			if c.IsHocuspocus() {
				hocuspocus.Inc()
			} else {
				plain.Inc()
			}
		},
		Refused:  func(_ *http.Request, _ int, why consumer.Refusal) { refused[why].Inc() },
		Behind:   func(*consumer.Conn) { behind.Inc() },
		Resynced: func(*consumer.Conn) { resyncs.Inc() },
		Rejoined: func(*consumer.Conn) { rejoins.Inc() },
		Closed:   func(_ *consumer.Conn, why protocol.CloseError) { closed.inc(why.Code) },
	}
}

// refusals returns a counter for each reason to refuse a client.
func (m *metrics) refusals() map[consumer.Refusal]prometheus.Counter {
	var reasons []string
	for _, why := range consumer.Refusals() {
		reasons = append(reasons, string(why))
	}
	refused := make(map[consumer.Refusal]prometheus.Counter)
	for reason, counter := range m.counters("requests_refused_total", "Requests and Hocuspocus documents that were refused, by reason.", "reason", reasons...) {
		refused[consumer.Refusal(reason)] = counter
	}
	return refused
}

// readConsumer makes the metrics have what read returns.
func (m *metrics) readConsumer(read func() consumer.Stats) {
	type stats = consumer.Stats
	r := &readings[stats]{read: read}
	r.gauges("connections", "Connections in rooms, by dialect.", "dialect", map[string]func(*stats) float64{
		plainDialect:      func(s *stats) float64 { return float64(s.Plain) },
		hocuspocusDialect: func(s *stats) float64 { return float64(s.Hocuspocus) },
	})
	r.total("received_messages_total", "Messages from clients.", func(s *stats) float64 { return float64(s.Received.Messages) })
	r.total("received_bytes_total", "Bytes of the messages from clients.", func(s *stats) float64 { return float64(s.Received.Bytes) })
	r.total("read_pauses_total", "How often the reading from a connection has paused, because its user or its address had sent too much.", func(s *stats) float64 { return float64(s.Rests) })
	r.total("sent_messages_total", "Messages to clients.", func(s *stats) float64 { return float64(s.Sent.Messages) })
	r.total("sent_bytes_total", "Bytes of the messages to clients.", func(s *stats) float64 { return float64(s.Sent.Bytes) })
	r.gauge("outbox_bytes", "Bytes that wait for clients, of all connections; measured every 5 seconds.", func(s *stats) float64 { return float64(s.Waiting) })
	r.gauge("outbox_largest_bytes", "Bytes that wait for the client for which most wait; measured every 5 seconds.", func(s *stats) float64 { return float64(s.Longest) })
	r.gauge("connections_behind", "Connections that lack updates which their rooms have sent; measured every 5 seconds.", func(s *stats) float64 { return float64(s.Behind) })
	m.registry.MustRegister(r)
}

// countAPI returns a handler that counts the requests that it passes to the document API.
func (m *metrics) countAPI(api http.Handler) http.Handler {
	requests := prometheus.NewCounterVec(prometheus.CounterOpts(opts("api_requests_total",
		"Requests to the document API that were answered, by method and HTTP status.")), []string{"method", "code"})
	running := prometheus.NewGauge(opts("api_requests", "Requests to the document API that are being answered, with streams of changes."))
	m.registry.MustRegister(requests, running)
	requests.WithLabelValues("get", "200")
	return promhttp.InstrumentHandlerInFlight(running, promhttp.InstrumentHandlerCounter(requests, api))
}
