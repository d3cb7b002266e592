// Package durability_test measures what durability costs: the same users type into the
// same server, on a store in memory, and on SQLite and PostgreSQL at each level of
// durability, alternating within one run.
//
//	go test -run '^$' -bench . -benchtime 1x ./bench/durability
package durability_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/bench/typing"
	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

var (
	rounds = flag.Int("rounds", 5, "number of measurements of each level")
	span   = flag.Duration("span", 1500*time.Millisecond, "duration of each measurement")
)

const pace = 100 * time.Millisecond // between two edits of one user

// keeping is a way to keep documents.
type keeping struct {
	name string
	open func(b *testing.B) kept
}

// kept is a store, and how many bytes were written for it so far.
type kept struct {
	store   store.Store
	close   func() error
	written func() int64
}

// keepings returns the ways to keep documents that the machine has. The first is the
// base of the ratios.
func keepings(b *testing.B) []keeping {
	b.Helper()
	all := []keeping{{"memory:", func(*testing.B) kept {
		return kept{memstore.New(), func() error { return nil }, func() int64 { return 0 }}
	}}}
	levels := []store.Durability{store.DurabilityNone, store.DurabilityCommit, store.DurabilityFsync}
	for _, level := range levels {
		all = append(all, keeping{"sqlite: " + level.String(), func(b *testing.B) kept {
			b.Helper()
			s, err := sqlitestore.Open(filepath.Join(b.TempDir(), "rooms.db"), sqlitestore.Config{
				Durability: func(string) store.Durability { return level },
			})
			if err != nil {
				b.Fatal(err)
			}
			return kept{s, s.Close, func() int64 { return written(b) }}
		}})
	}
	if !postgres.Installed() {
		fmt.Println("PostgreSQL is not installed, so its levels are not measured: apt-get install postgresql")
		return all
	}
	server := postgres.Start(b)
	for _, level := range levels {
		all = append(all, keeping{"postgres: " + level.String(), func(b *testing.B) kept {
			b.Helper()
			url := server.URL(server.Create(b))
			s, err := pgstore.Open(b.Context(), url, pgstore.Config{
				Durability: func(string) store.Durability { return level },
			})
			if err != nil {
				b.Fatal(err)
			}
			return kept{s, s.Close, func() int64 { return logged(b, url) }}
		}})
	}
	return all
}

// figures are the results of one measurement, or the medians of several.
type figures struct {
	deliveries float64       // a second, while each user types as fast as their edits are received
	p50, p99   time.Duration // from sending an edit to its receipt by another user, at the pace
	written    float64       // bytes written to the disk per edit, at the pace
}

func BenchmarkDurability(b *testing.B) {
	for range b.N {
		ways := keepings(b)
		seen := map[string][]figures{}
		for round := range *rounds {
			for i := range ways {
				way := ways[(round+i)%len(ways)]
				seen[way.name] = append(seen[way.name], measure(b, way))
			}
		}
		var table strings.Builder
		base := medians(seen[ways[0].name])
		for _, way := range ways {
			m := medians(seen[way.name])
			fmt.Fprintf(&table, "| `%s` | %.0f (%.2f) | %.2f ms (%.1f) | %.2f ms (%.1f) | %.0f |\n", way.name,
				m.deliveries, m.deliveries/base.deliveries,
				typing.Milliseconds(m.p50), typing.Milliseconds(m.p50)/typing.Milliseconds(base.p50),
				typing.Milliseconds(m.p99), typing.Milliseconds(m.p99)/typing.Milliseconds(base.p99),
				m.written)
		}
		b.Logf("medians of %d rounds of %v, with ratios to memory:\n"+
			"| store and level | deliveries a second | p50 | p99 | bytes written per edit |\n|---|---|---|---|---|\n%s", *rounds, *span, &table)
	}
}

func medians(all []figures) figures {
	return figures{
		deliveries: typing.Median(all, func(f figures) float64 { return f.deliveries }),
		p50:        typing.Median(all, func(f figures) time.Duration { return f.p50 }),
		p99:        typing.Median(all, func(f figures) time.Duration { return f.p99 }),
		written:    typing.Median(all, func(f figures) float64 { return f.written }),
	}
}

func measure(b *testing.B, way keeping) (f figures) {
	b.Helper()
	fast := newSession(b, way.open(b))
	fast.Type(0, *span)
	f.deliveries = float64(len(fast.Latencies())) / span.Seconds()
	fast.end()

	keep := way.open(b)
	paced := newSession(b, keep)
	before := keep.written()
	edits := paced.Type(pace, *span)
	late := paced.Latencies()
	f.p50, f.p99 = late[len(late)/2], late[len(late)*99/100]
	paced.end() // before written: checkpoints count too
	f.written = float64(keep.written()-before) / float64(edits)
	return f
}

// session is a server with users in one room.
type session struct {
	*typing.Session

	end func()
}

const room = "/session"

func newSession(b *testing.B, keep kept) *session {
	b.Helper()
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

// logged returns how many bytes the server of a database has written to its log.
func logged(b *testing.B, url string) (n int64) {
	b.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").Scan(&n); err != nil {
		b.Fatal(err)
	}
	return n
}
