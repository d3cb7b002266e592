package testkit

import (
	"context"
	"log/slog"
	"regexp"
	"testing"
)

// Logger returns a logger that writes into the test's output.
func Logger(t testing.TB) *slog.Logger {
	return slog.New(CheckLog(t, slog.NewTextHandler(t.Output(), nil)))
}

// CheckLog returns a handler that passes what is logged to h, and fails the test if an
// attribute doesn't have the form that docs/operations.md describes.
func CheckLog(t testing.TB, h slog.Handler) slog.Handler { return logCheck{t, h} }

type logCheck struct {
	t testing.TB
	slog.Handler
}

var attributeKey = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// largestNumber is the largest integer that JavaScript holds exactly.
const largestNumber = 1 << 53

func (c logCheck) Handle(ctx context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if why := wrongAttribute(a); why != "" {
			c.t.Errorf("the line %q has the attribute %s, %s", r.Message, a, why)
		}
		return true
	})
	return c.Handler.Handle(ctx, r)
}

// wrongAttribute returns what is wrong with the form of an attribute, or "".
func wrongAttribute(a slog.Attr) string {
	if !attributeKey.MatchString(a.Key) {
		return "whose key is not in lower case"
	}
	switch v := a.Value; v.Kind() {
	case slog.KindString, slog.KindBool:
	case slog.KindInt64:
		if n := v.Int64(); n > largestNumber || n < -largestNumber {
			return "which JavaScript can't hold: make it a string"
		}
	case slog.KindUint64:
		if v.Uint64() > largestNumber {
			return "which JavaScript can't hold: make it a string"
		}
	case slog.KindDuration:
		return "which is a number without a unit in JSON: make it a string"
	case slog.KindAny:
		if _, isError := v.Any().(error); !isError && a.Key != "panic" {
			return "which is neither an error, a text nor a number"
		}
	default:
		return "of another kind than the other attributes"
	}
	return ""
}

func (c logCheck) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logCheck{c.t, c.Handler.WithAttrs(attrs)}
}

func (c logCheck) WithGroup(name string) slog.Handler {
	return logCheck{c.t, c.Handler.WithGroup(name)}
}
