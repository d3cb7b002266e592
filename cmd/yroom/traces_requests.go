package main

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/yroom/yroom/document"
)

// requests returns a handler of the document API that joins the traces of callers: those whose
// traceparent says that a trace is kept. Of other requests, it keeps the traces of some.
func (t *traces) requests(api http.Handler) http.Handler {
	if t == nil {
		return api
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		if caller := trace.SpanContextFromContext(ctx); caller.IsValid() && !caller.IsSampled() || !caller.IsValid() && !t.sampled() {
			api.ServeHTTP(w, r)
			return
		}
		route, method := apiRoute(r.URL.EscapedPath()), apiMethod(r.Method)
		ctx, span := t.tracer.Start(ctx, method+" "+route, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(attribute.String("http.request.method", method), attribute.String("http.route", route)))
		defer span.End()
		status := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		api.ServeHTTP(status, r.WithContext(document.WithTrace(ctx, traceOf(span))))
		span.SetAttributes(attribute.Int("http.response.status_code", status.status))
		if status.status >= http.StatusInternalServerError {
			span.SetStatus(codes.Error, "")
		}
	})
}

// apiRoute returns the path of a request with the words for its variable parts in their places, so that there
// are few names of spans.
func apiRoute(path string) string {
	segments := strings.Split(path, "/") // "", "api", "rooms", room, what, id, what
	if len(segments) < 3 || len(segments) > 7 {
		return apiPrefix
	}
	known := map[string]bool{
		"rooms": true, "access": true, "expel": true, "openapi.yaml": true,
		"events": true, "log": true, "connections": true, "stateless": true, "blocks": true, "marks": true,
	}
	for i := 2; i < len(segments); i++ {
		switch {
		case i == 3:
			segments[i] = "{room}"
		case i == 5:
			segments[i] = "{id}"
		case !known[segments[i]]:
			return apiPrefix
		}
	}
	return strings.Join(segments, "/")
}

// apiMethod returns the method of a request, or _OTHER if it is not one of the API.
func apiMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete:
		return method
	}
	return "_OTHER"
}

// statusWriter keeps the status of a response.
type statusWriter struct {
	http.ResponseWriter

	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
