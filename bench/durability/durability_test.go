// Package durability_test measures what durability costs: the same users type into the
// same server, on a store in memory and on SQLite at each level of durability,
// alternating within one run.
//
//	go test -run '^$' -bench . -benchtime 1x ./bench/durability
package durability_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/bench/typing"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

var (
	rounds = flag.Int("rounds", 5, "number of measurements of each level")
	span   = flag.Duration("span", 1500*time.Millisecond, "duration of each measurement")
)

const pace = 100 * time.Millisecond // between two edits of one user

var levels = []string{"memory:", store.DurabilityNone.String(), store.DurabilityCommit.String(), store.DurabilityFsync.String()}

// figures are the results of one measurement, or the medians of several.
type figures struct {
	deliveries float64       // a second, while each user types as fast as their edits are received
	p50, p99   time.Duration // from sending an edit to its receipt by another user, at the pace
	written    float64       // bytes written to the disk per edit, at the pace
}

func BenchmarkDurability(b *testing.B) {
	for range b.N {
		seen := map[string][]figures{}
		for round := range *rounds {
			for i := range levels {
				level := levels[(round+i)%len(levels)]
				seen[level] = append(seen[level], measure(b, level))
			}
		}
		var table strings.Builder
		base := medians(seen[levels[0]])
		for _, level := range levels {
			m := medians(seen[level])
			fmt.Fprintf(&table, "| `%s` | %.0f (%.2f) | %.2f ms (%.1f) | %.2f ms (%.1f) | %.0f |\n", level,
				m.deliveries, m.deliveries/base.deliveries,
				milliseconds(m.p50), milliseconds(m.p50)/milliseconds(base.p50),
				milliseconds(m.p99), milliseconds(m.p99)/milliseconds(base.p99),
				m.written)
		}
		b.Logf("medians of %d rounds of %v, with ratios to memory:\n"+
			"| level | deliveries a second | p50 | p99 | bytes written per edit |\n|---|---|---|---|---|\n%s", *rounds, *span, &table)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func medians(all []figures) figures {
	return figures{
		deliveries: median(all, func(f figures) float64 { return f.deliveries }),
		p50:        median(all, func(f figures) time.Duration { return f.p50 }),
		p99:        median(all, func(f figures) time.Duration { return f.p99 }),
		written:    median(all, func(f figures) float64 { return f.written }),
	}
}

func median[T cmp.Ordered](all []figures, of func(figures) T) T {
	values := make([]T, len(all))
	for i, f := range all {
		values[i] = of(f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

func measure(b *testing.B, level string) (f figures) {
	b.Helper()
	fast := newSession(b, level)
	fast.Type(0, *span)
	f.deliveries = float64(len(fast.Latencies())) / span.Seconds()
	fast.end()

	paced := newSession(b, level)
	before := written(b)
	edits := paced.Type(pace, *span)
	late := paced.Latencies()
	f.p50, f.p99 = late[len(late)/2], late[len(late)*99/100]
	paced.end() // before written: checkpoints count too
	f.written = float64(written(b)-before) / float64(edits)
	return f
}

// session is a server with users in one room.
type session struct {
	*typing.Session

	end func()
}

const room = "/session"

func newSession(b *testing.B, level string) *session {
	b.Helper()
	keep := keeper(b, level)
	server, err := yroom.New(yroom.Config{Store: keep.store, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	front := httptest.NewServer(server)
	m := &session{Session: typing.Join(b, front.URL+room)}
	m.end = func() {
		b.Helper()
		m.Leaving()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			b.Error(err)
		}
		m.Wait()
		front.Close()
		if err := keep.close(); err != nil {
			b.Error(err)
		}
		if b.Failed() {
			b.FailNow()
		}
	}
	return m
}

type kept struct {
	store store.Store
	close func() error
}

func keeper(b *testing.B, level string) kept {
	b.Helper()
	if level == levels[0] {
		return kept{memstore.New(), func() error { return nil }}
	}
	s, err := sqlitestore.Open(filepath.Join(b.TempDir(), "rooms.db"), sqlitestore.Config{
		Durability: func(string) store.Durability {
			return map[string]store.Durability{"none": store.DurabilityNone, "commit": store.DurabilityCommit, "fsync": store.DurabilityFsync}[level]
		},
	})
	if err != nil {
		b.Fatal(err)
	}
	return kept{s, s.Close}
}

// written returns how many bytes this process has written to the disk.
func written(b *testing.B) (n int64) {
	b.Helper()
	all, err := os.ReadFile("/proc/self/io")
	if err != nil {
		b.Skipf("the system doesn't count the bytes written: %v", err)
	}
	_, text, _ := strings.Cut(string(all), "\nwrite_bytes: ")
	if _, err := fmt.Sscan(text, &n); err != nil {
		b.Fatal(err)
	}
	return n
}
