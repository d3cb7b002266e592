package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/url"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/worker"
)

// Attributes of spans. Those of others are in OpenTelemetry's conventions.
const (
	traceRoom   = attribute.Key("yroom.room")
	traceInputs = attribute.Key("yroom.inputs")
	traceTurns  = attribute.Key("yroom.turns")
	traceBytes  = attribute.Key("yroom.bytes")
	traceConns  = attribute.Key("yroom.connections")
)

// traces sends traces of some edits and API requests to a collector. Nil: none are kept.
type traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	ratio    float64 // of the edits and requests of which a trace is kept
}

// collectorVariables turn traces on, as --traces-url does.
var collectorVariables = []string{"OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"}

// mostAnswer is how many bytes of the collector's answer are read: the log has those of an error.
const mostAnswer = 4 << 10

// checkTraces returns an error for settings that can't be meant.
func (s settings) checkTraces() error {
	if s.TracesRatio != nil && !(*s.TracesRatio >= 0 && *s.TracesRatio <= 1) {
		return fmt.Errorf("traces-ratio %v: want a fraction from 0 to 1", *s.TracesRatio)
	}
	if s.TracesURL == "" {
		return nil
	}
	u, err := url.Parse(s.TracesURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("the address %s of traces: want that of a collector, such as http://127.0.0.1:4318", scheme(s.TracesURL))
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("the address of traces has a user, a password, a query or a fragment, which are not sent: set OTEL_EXPORTER_OTLP_HEADERS for what the collector asks for")
	}
	return nil
}

// openTraces returns the traces of a process, or nil if they are off.
func (s settings) openTraces(ctx context.Context, log *slog.Logger) (*traces, error) {
	on := s.TracesURL != ""
	for _, variable := range collectorVariables {
		on = on || os.Getenv(variable) != ""
	}
	if !on {
		return nil, nil
	}
	// What can't be sent is dropped, so that a collector that is down costs neither time nor memory.
	options := []otlptracehttp.Option{otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: false}), otlptracehttp.WithMaxResponseSize(mostAnswer)}
	if s.TracesURL != "" {
		at, err := url.JoinPath(s.TracesURL, "/v1/traces")
		if err != nil {
			return nil, fmt.Errorf("traces: %w", err)
		}
		options = append(options, otlptracehttp.WithEndpointURL(at))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		attribute.String("service.name", "yroom"), attribute.String("service.version", version()), attribute.String("service.instance.id", s.Name),
	), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&sender{SpanExporter: exporter, log: log}),
		sdktrace.WithResource(about),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.AlwaysSample())), // sampled chooses before a span begins
	)
	return &traces{provider, provider.Tracer("github.com/yroom/yroom"), *s.TracesRatio}, nil
}

// traceEnd bounds how long a process that ends waits for a collector.
const traceEnd = 2 * time.Second

// end sends what is left, if the collector takes it soon.
func (t *traces) end(ctx context.Context) {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, traceEnd)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // the sender has logged what fails
}

// sampled reports whether a trace is to be kept of an edit or a request that begins one.
func (t *traces) sampled() bool { return rand.Float64() < t.ratio }

// consumer adds to the events of a consumer those that make spans.
func (t *traces) consumer(events consumer.Events) consumer.Events {
	if t == nil {
		return events
	}
	events.Trace = func(c *consumer.Conn) (*event.Trace, func()) {
		if !t.sampled() {
			return nil, nil
		}
		_, span := t.tracer.Start(context.Background(), "edit", trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(traceRoom.String(c.Room())))
		of := traceOf(span)
		return &of, func() { span.End() }
	}
	events.Delivered = func(i consumer.DeliverInfo) {
		t.step(i.Trace, "broadcast", trace.SpanKindConsumer, i.Duration, nil, traceRoom.String(i.Room), traceConns.Int(i.Conns))
	}
	return events
}

// worker adds to the events of a worker those that make spans.
func (t *traces) worker(events worker.Events) worker.Events {
	if t == nil {
		return events
	}
	turn, appended := events.Turn, events.Appended
	events.Turn = func(i worker.TurnInfo) {
		turn(i)
		if i.Trace != nil {
			t.step(i.Trace, "turn", trace.SpanKindConsumer, i.Duration, nil, traceRoom.String(i.Room), traceInputs.Int(i.Inputs), traceBytes.Int(i.Added))
		}
	}
	events.Appended = func(i worker.AppendInfo) {
		appended(i)
		if i.Trace != nil {
			t.step(i.Trace, "append", trace.SpanKindClient, i.Duration, i.Err, traceRoom.String(i.Room), traceTurns.Int(i.Turns), traceBytes.Int(i.Bytes))
		}
	}
	return events
}

// step adds a span of something that has just ended, under the one of an edit. err is nil unless it
// has failed.
func (t *traces) step(of *event.Trace, name string, kind trace.SpanKind, took time.Duration, err error, attributes ...attribute.KeyValue) {
	ended := time.Now()
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: of.ID, SpanID: of.Span, TraceFlags: trace.FlagsSampled, Remote: true})
	_, span := t.tracer.Start(trace.ContextWithRemoteSpanContext(context.Background(), parent), name,
		trace.WithSpanKind(kind), trace.WithTimestamp(ended.Add(-took)), trace.WithAttributes(attributes...))
	defer span.End(trace.WithTimestamp(ended))
	if err != nil {
		span.SetStatus(codes.Error, "It has failed. The log says why.")
	}
}

// traceOf returns what travels with an edit: the trace of a span, and the span as the parent of the
// steps.
func traceOf(span trace.Span) event.Trace {
	of := span.SpanContext()
	return event.Trace{ID: of.TraceID(), Span: of.SpanID()}
}
