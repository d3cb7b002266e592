package main

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestRecentLog(t *testing.T) {
	var written bytes.Buffer
	log, err := newLogger(&written, "text", "error")
	if err != nil {
		t.Fatal(err)
	}
	kept := newRecentLog()
	log = kept.keeping(log, "web-1").With("conn", 7)
	log.Info("not kept")
	log.Warn("A limit is reached.", "room", "a")
	log.Error("The store fails.", "error", errors.New("disk full"))
	log.Warn("A limit is reached.", "room", "b")

	if got := written.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "disk full") {
		t.Errorf("the log with the level error is\n%s", got)
	}
	now := time.Now()
	lines := kept.recent(now)
	if len(lines) != 2 || kept.count() != 3 {
		t.Fatalf("%d records: %+v", kept.count(), lines)
	}
	limit, store := lines[0], lines[1]
	if limit.Process != "web-1" || limit.Level != "warn" || limit.Message != "A limit is reached." || limit.Count != 2 || limit.Details != "conn=7 room=b" || limit.Last.Before(limit.First) {
		t.Errorf("%+v", limit)
	}
	if store.Level != "error" || store.Count != 1 || store.Details != "conn=7 error=disk full" {
		t.Errorf("%+v", store)
	}
	if lines := kept.recent(now.Add(recentTime + time.Minute)); len(lines) != 0 || len(kept.lines) != 0 {
		t.Errorf("after an hour: %+v", lines)
	}
}

// However much is logged, a bounded part of it is kept.
func TestRecentLogIsBounded(t *testing.T) {
	kept := newRecentLog()
	log := kept.keeping(slog.New(slog.DiscardHandler), "web-1")
	for i := range 3 * recentLines {
		log.Warn(fmt.Sprint(strings.Repeat("ä", longestDetail), i), "stack", strings.Repeat("x", 1<<20))
		log.Warn(fmt.Sprintf("Message %d.", i), "a", strings.Repeat("x", 1<<20), "b", 1)
	}
	lines := kept.recent(time.Now())
	if len(lines) != recentLines || lines[0].Message != fmt.Sprintf("Message %d.", 3*recentLines-1) {
		t.Errorf("%d lines, the newest %q", len(lines), lines[0].Message)
	}
	for _, line := range lines {
		if len(line.Message) > longestDetail+3 || len(line.Details) > longestDetail+3 {
			t.Errorf("%d bytes and %d are kept", len(line.Message), len(line.Details))
		}
	}
	if kept.count() != 6*recentLines {
		t.Errorf("%d records", kept.count())
	}
}
