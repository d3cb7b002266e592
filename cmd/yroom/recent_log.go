package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	recentTime    = time.Hour
	recentLines   = 100
	longestDetail = 400 // bytes of a message, and of its attributes
)

// recentLog keeps the warnings and errors that were logged in the last hour. Those with
// the same message are one line.
type recentLog struct {
	mu    sync.Mutex
	lines map[string]*logLine // by message
	total uint64              // records since the process began
}

// logLine stands for records with the same message.
type logLine struct {
	Level   string    `json:"level"`
	Message string    `json:"message"`
	Details string    `json:"details"` // the attributes of the last one
	Count   int       `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

func newRecentLog() *recentLog { return &recentLog{lines: make(map[string]*logLine)} }

// keeping returns a logger that writes what log would write, and keeps warnings and errors
// in l, whatever the level of log is.
func (l *recentLog) keeping(log *slog.Logger) *slog.Logger {
	return slog.New(&keepingHandler{Handler: log.Handler(), log: l})
}

// count returns how many records were kept since the process began.
func (l *recentLog) count() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// recent returns the lines of the last hour, the newest first.
func (l *recentLog) recent(now time.Time) []logLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := make([]logLine, 0, len(l.lines))
	for message, line := range l.lines {
		if now.Sub(line.Last) > recentTime {
			delete(l.lines, message)
			continue
		}
		lines = append(lines, *line)
	}
	slices.SortFunc(lines, func(a, b logLine) int { return b.Last.Compare(a.Last) })
	return lines
}

func (l *recentLog) add(r slog.Record, details string) {
	message := clip(r.Message)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	line := l.lines[message]
	if line == nil {
		l.makeSpace()
		line = &logLine{Message: message, First: r.Time}
		l.lines[message] = line
	}
	line.Level, line.Details, line.Last = strings.ToLower(r.Level.String()), details, r.Time
	line.Count++
}

// makeSpace removes the oldest line if there are as many as are kept.
func (l *recentLog) makeSpace() {
	if len(l.lines) < recentLines {
		return
	}
	var oldest *logLine
	for _, line := range l.lines {
		if oldest == nil || line.Last.Before(oldest.Last) {
			oldest = line
		}
	}
	delete(l.lines, oldest.Message)
}

func clip(text string) string {
	if len(text) <= longestDetail {
		return text
	}
	return strings.ToValidUTF8(text[:longestDetail], "") + "…"
}

// keepingHandler is a slog.Handler that keeps warnings and errors.
type keepingHandler struct {
	slog.Handler

	log   *recentLog
	attrs []slog.Attr // of WithAttrs
}

// Enabled implements slog.Handler.
func (h *keepingHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *keepingHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		h.log.add(r, h.details(r))
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// details returns the attributes of a record as text.
func (h *keepingHandler) details(r slog.Record) string {
	var b strings.Builder
	add := func(a slog.Attr) bool {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(a.Key + "=" + a.Value.Resolve().String())
		return b.Len() <= longestDetail
	}
	for _, a := range h.attrs {
		add(a)
	}
	r.Attrs(add)
	return clip(b.String())
}

// WithAttrs implements slog.Handler.
func (h *keepingHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &keepingHandler{h.Handler.WithAttrs(attrs), h.log, append(slices.Clip(h.attrs), attrs...)}
}

// WithGroup implements slog.Handler. What is kept leaves out the names of groups.
func (h *keepingHandler) WithGroup(name string) slog.Handler {
	return &keepingHandler{h.Handler.WithGroup(name), h.log, h.attrs}
}
