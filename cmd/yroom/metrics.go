package main

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are the metrics of one process, for Prometheus. What happens often is counted by
// counters and histograms whose labels were resolved when the process began, so that it
// allocates nothing. What can be read at any time is read when the metrics are asked for.
type metrics struct {
	registry *prometheus.Registry
	log      *slog.Logger
}

func newMetrics(log *slog.Logger) *metrics {
	m := &metrics{prometheus.NewRegistry(), log}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	build := prometheus.NewGaugeVec(opts("build_info", "The version of yroom, as a label; the value is 1."), []string{"version"})
	build.WithLabelValues(version()).Set(1)
	m.registry.MustRegister(build)
	return m
}

// handler returns the handler of /metrics.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(m.log.Handler(), slog.LevelError),
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: 4,
	})
}

// opts returns the options of a metric of yroom.
func opts(name, help string) prometheus.GaugeOpts {
	return prometheus.GaugeOpts{Namespace: "yroom", Name: name, Help: help}
}

// counter returns a counter that is registered.
func (m *metrics) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts(opts(name, help)))
	m.registry.MustRegister(c)
	return c
}

// counters returns a counter for each value of a label. They are registered.
func (m *metrics) counters(name, help, label string, values ...string) map[string]prometheus.Counter {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts(opts(name, help)), []string{label})
	m.registry.MustRegister(vec)
	all := make(map[string]prometheus.Counter, len(values))
	for _, value := range values {
		all[value] = vec.WithLabelValues(value)
	}
	return all
}

// histogram returns a histogram that is registered.
func (m *metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "yroom", Name: name, Help: help, Buckets: buckets})
	m.registry.MustRegister(h)
	return h
}

// The buckets of histograms.
var (
	shortSeconds = prometheus.ExponentialBuckets(10e-6, 4, 10) // 10 µs to 2.6 s
	longSeconds  = prometheus.ExponentialBuckets(250e-6, 4, 9) // 250 µs to 16 s
	batches      = prometheus.ExponentialBuckets(1, 4, 7)      // 1 to 4096
)

// readings is a prometheus.Collector of values that are read together from one source.
type readings[S any] struct {
	read func() S
	all  []reading[S]
}

// reading is one of these values.
type reading[S any] struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	label string // its value, if desc has a label
	value func(*S) float64
}

// Describe implements prometheus.Collector.
func (r *readings[S]) Describe(descs chan<- *prometheus.Desc) {
	for _, one := range r.all {
		descs <- one.desc
	}
}

// Collect implements prometheus.Collector.
func (r *readings[S]) Collect(values chan<- prometheus.Metric) {
	s := r.read()
	for _, one := range r.all {
		var labels []string
		if one.label != "" {
			labels = []string{one.label}
		}
		values <- prometheus.MustNewConstMetric(one.desc, one.kind, one.value(&s), labels...)
	}
}

// gauge adds a value that goes up and down.
func (r *readings[S]) gauge(name, help string, value func(*S) float64) {
	r.all = append(r.all, reading[S]{prometheus.NewDesc("yroom_"+name, help, nil, nil), prometheus.GaugeValue, "", value})
}

// total adds a value that only grows.
func (r *readings[S]) total(name, help string, value func(*S) float64) {
	r.all = append(r.all, reading[S]{prometheus.NewDesc("yroom_"+name, help, nil, nil), prometheus.CounterValue, "", value})
}

// gauges adds a value that goes up and down for each value of a label.
func (r *readings[S]) gauges(name, help, label string, values map[string]func(*S) float64) {
	r.each(prometheus.GaugeValue, name, help, label, values)
}

// each adds a value of a kind for each value of a label.
func (r *readings[S]) each(kind prometheus.ValueType, name, help, label string, values map[string]func(*S) float64) {
	desc := prometheus.NewDesc("yroom_"+name, help, []string{label}, nil)
	for word, value := range values {
		r.all = append(r.all, reading[S]{desc, kind, word, value})
	}
}
