package main

import (
	"context"
	"log/slog"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// sender sends spans to a collector. It logs when that begins to fail, and when it works again. One
// goroutine calls it.
type sender struct {
	sdktrace.SpanExporter

	log     *slog.Logger
	failing bool
}

// ExportSpans implements sdktrace.SpanExporter.
func (s *sender) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := s.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !s.failing:
		s.log.Warn("Traces could not be sent to the collector. They are dropped until it works. Nothing else is affected. Check the collector, and --traces-url.", "error", err)
	case err == nil && s.failing:
		s.log.Info("Traces are sent to the collector again.")
	}
	s.failing = err != nil
	return nil
}
