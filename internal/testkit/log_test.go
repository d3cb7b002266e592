package testkit

import (
	"errors"
	"log/slog"
	"testing"
	"time"
)

func TestWrongAttribute(t *testing.T) {
	for _, a := range []slog.Attr{
		slog.String("conn", "18446744073709551615"),
		slog.Int("code", 1000),
		slog.Uint64("sent_bytes", 1<<53),
		slog.Bool("first", true),
		slog.Any("error", errors.New("no")),
	} {
		if why := wrongAttribute(a); why != "" {
			t.Errorf("%s: %s", a, why)
		}
	}
	for _, a := range []slog.Attr{
		slog.Uint64("conn", 1<<53+1),
		slog.Int64("conn", -1<<53-1),
		slog.Duration("duration", time.Second),
		slog.Any("rooms", []string{"a"}),
		slog.Float64("share", 0.5),
		slog.String("roomsOpen", "a"),
	} {
		if wrongAttribute(a) == "" {
			t.Errorf("%s is not wrong", a)
		}
	}
}
