package main

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yroom/yroom/layer/link"
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
	lines map[lineKey]*logLine
	total uint64   // records since the process began
	last  *logLine // nil: there was none
}

type lineKey struct{ process, message string }

// logLine stands for records of a process with the same message.
type logLine struct {
	Process string    `json:"process"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
	Details string    `json:"details"` // the attributes of the last one
	Count   int       `json:"count"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
}

func newRecentLog() *recentLog { return &recentLog{lines: make(map[lineKey]*logLine)} }

// keeping returns a logger of a process that writes what log would write, and keeps
// warnings and errors in l, whatever the level of log is.
func (l *recentLog) keeping(log *slog.Logger, process string) *slog.Logger {
	return slog.New(&keepingHandler{Handler: log.Handler(), log: l, process: process})
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
	for key, line := range l.lines {
		if now.Sub(line.Last) > recentTime {
			delete(l.lines, key)
			continue
		}
		lines = append(lines, *line)
	}
	slices.SortFunc(lines, func(a, b logLine) int { return b.Last.Compare(a.Last) })
	return lines
}

// latest returns the last record if it is not older than an age.
func (l *recentLog) latest(now time.Time, age time.Duration) link.Problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || now.Sub(l.last.Last) > age {
		return link.Problem{}
	}
	return link.Problem{Message: l.last.Message, Error: l.last.Level == levelOf(true)}
}

func (l *recentLog) add(at time.Time, process, level, message, details string) {
	message = clip(message)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total++
	key := lineKey{process, message}
	line := l.lines[key]
	if line == nil {
		l.makeSpace()
		line = &logLine{Process: process, Message: message, First: at}
		l.lines[key] = line
	}
	line.Level, line.Details, line.Last = level, details, at
	line.Count++
	l.last = line
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
	delete(l.lines, lineKey{oldest.Process, oldest.Message})
}

func levelOf(isError bool) string {
	if isError {
		return "error"
	}
	return "warn"
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

	log     *recentLog
	process string
	attrs   []slog.Attr // of WithAttrs
}

// Enabled implements slog.Handler.
func (h *keepingHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || h.Handler.Enabled(ctx, level)
}

// Handle implements slog.Handler.
func (h *keepingHandler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= slog.LevelWarn {
		h.log.add(r.Time, h.process, levelOf(r.Level >= slog.LevelError), r.Message, h.details(r))
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
	return &keepingHandler{h.Handler.WithAttrs(attrs), h.log, h.process, append(slices.Clip(h.attrs), attrs...)}
}

// WithGroup implements slog.Handler. What is kept leaves out the names of groups.
func (h *keepingHandler) WithGroup(name string) slog.Handler {
	return &keepingHandler{h.Handler.WithGroup(name), h.log, h.process, h.attrs}
}
