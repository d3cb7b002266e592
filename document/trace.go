package document

import (
	"context"

	"github.com/yroom/yroom/event"
)

type traceKey struct{}

// WithTrace returns a context for requests of which a trace is kept. If a request changes a
// document, the trace travels with the change, as with the edit of a client: see
// worker.TurnInfo.Trace.
func WithTrace(ctx context.Context, t event.Trace) context.Context {
	return context.WithValue(ctx, traceKey{}, &t)
}

// traceOf returns the trace of a context, or nil if it has none.
func traceOf(ctx context.Context) *event.Trace {
	t, _ := ctx.Value(traceKey{}).(*event.Trace)
	return t
}
