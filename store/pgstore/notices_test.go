package pgstore

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
)

// Notices that are not due yet are not read by TakeNotices, and neither are those that wait for another one.
func TestTakeNoticesReadsWhatIsDue(t *testing.T) {
	server := postgres.Start(t)
	s, err := Open(t.Context(), server.URL(server.Create(t)), Config{Webhooks: func(string, store.NoticeKind) []string { return []string{"hook"} }})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const rooms = 20
	for i := range rooms {
		if _, err := s.Append(t.Context(), fmt.Sprint("room ", i), store.Entry{Encoding: store.V1, Data: []byte("a")}); err != nil {
			t.Fatal(err)
		}
	}
	taken, err := s.TakeNotices(t.Context(), store.Taking{Webhook: "hook", Limit: rooms, Lease: time.Hour})
	if err != nil || len(taken) != rooms {
		t.Fatalf("TakeNotices returned %d notices and %v, want %d", len(taken), err, rooms)
	}
	for _, n := range taken {
		if err := s.RetryNotice(t.Context(), n, "it answered 500", time.Hour); err != nil {
			t.Fatal(err)
		}
		added := store.Notice{Webhook: "hook", Room: n.Room, Kind: store.NoticeConnected, Last: time.Now()}
		if _, err := s.AddNotices(t.Context(), []store.Notice{added}); err != nil {
			t.Fatal(err)
		}
	}
	var ready int
	if err := s.pool.QueryRow(t.Context(), "SELECT count(*) FROM yroom.notices WHERE ready_at <= clock_timestamp()").Scan(&ready); err != nil || ready != 0 {
		t.Errorf("%d notices are ready while those before them pause (%v)", ready, err)
	}

	if _, err := s.pool.Exec(t.Context(), `INSERT INTO yroom.notices (webhook, room, kind, position, ready_at)
SELECT 'hook', convert_to(n::text, 'UTF8'), 'created', 1, now() + interval '1 hour' FROM generate_series(1, 5000) AS n`); err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.Exec(t.Context(), "ANALYZE yroom.notices"); err != nil {
		t.Fatal(err)
	}
	rows, err := s.pool.Query(t.Context(), "EXPLAIN "+takeSQL, "hook", time.Second, time.Second, 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if plan := strings.Join(lines, "\n"); !strings.Contains(plan, "Index Cond: ((webhook = 'hook'::text) AND (ready_at <=") {
		t.Errorf("the notices that are due are not found by their index:\n%s", plan)
	}
}

// To bound the notices of a room, its limits are searched once, and not for each notice.
func TestBoundReadsLimitsOnce(t *testing.T) {
	server := postgres.Start(t)
	s, err := Open(t.Context(), server.URL(server.Create(t)), Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.pool.Exec(t.Context(), `INSERT INTO yroom.notices (webhook, room, kind, position)
SELECT 'hook', 'room', 'connected', 0 FROM generate_series(1, 1500)`); err != nil {
		t.Fatal(err)
	}
	rows, err := s.pool.Query(t.Context(), "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "+boundSQL, []string{"hook"}, [][]byte{[]byte("room")}, false, 1000)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	if plan := strings.Join(lines, "\n"); !strings.Contains(plan, "rows=1000 loops=1)") || strings.Contains(plan, "loops=1500)") {
		t.Errorf("the limits of a room are searched more than once:\n%s", plan)
	}
}
