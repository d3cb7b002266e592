// Package cost_test measures what durability and metrics cost: "yroom bench fan-out" lets the same
// people type into "yroom serve", on a store in memory, and on SQLite and PostgreSQL at each
// level of durability, alternating within one run. The server has one core, and the people
// have another.
//
//	go test -run '^$' -bench . -benchtime 1x -timeout 1h ./bench/cost
package cost_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/postgres"
)

var (
	rounds = flag.Int("rounds", 5, "number of measurements of each level")
	span   = flag.Duration("span", 2*time.Second, "duration of each measurement")
	rooms  = flag.Int("rooms", 10, "number of rooms")
	people = flag.Int("people", 10, "number of people in each room")
	before = flag.String("before", "", "path of another yroom, with which each level is measured too")
	only   = flag.String("only", "", "of the levels, measure those whose names contain this")
)

// keeping is a way to keep documents.
type keeping struct {
	name    string
	program string                    // yroom
	level   string                    // "": not set
	store   func(b *testing.B) string // returns the address of an empty store
	logged  func(store string) int64  // returns how many bytes the server of a database has written to its log; nil: no database
}

// keepings returns the ways to keep documents that the machine has. The first is the
// base of the ratios.
func keepings(b *testing.B, program string) (all []keeping) {
	b.Helper()
	programs := []string{program}
	if *before != "" {
		programs = append(programs, *before)
	}
	add := func(k keeping) {
		if k.level != "" && !strings.Contains(k.name, *only) {
			return
		}
		for i, program := range programs {
			if k.program = program; i > 0 {
				k.name += ", before"
			}
			all = append(all, k)
		}
	}
	add(keeping{name: "memory:", store: func(*testing.B) string { return "memory:" }})
	levels := []string{"none", "commit", "fsync"}
	for _, level := range levels {
		add(keeping{name: "sqlite: " + level, level: level, store: func(*testing.B) string { return "sqlite:rooms.db" }})
	}
	if !slices.ContainsFunc(levels, func(level string) bool { return strings.Contains("postgres: "+level, *only) }) {
		return all
	}
	if !postgres.Installed() {
		fmt.Println("PostgreSQL is not installed, so its levels are not measured: apt-get install postgresql")
		return all
	}
	database := postgres.Start(b)
	for _, level := range levels {
		add(keeping{
			name: "postgres: " + level, level: level,
			store:  func(b *testing.B) string { b.Helper(); return database.URL(database.Create(b)) },
			logged: func(store string) int64 { return logged(b, store) },
		})
	}
	return all
}

// figures are the results of one measurement, or the medians of several.
type figures struct {
	cost       float64 // microseconds of the server's CPU time per delivery, while each person types as fast as their edits are received
	deliveries float64 // a second, meanwhile
	p50, p99   float64 // milliseconds from sending an edit to its receipt by another person, at ten edits a second
	written    float64 // bytes written to the disk per edit, at that rate
}

func BenchmarkDurability(b *testing.B) {
	program := testkit.Build(b)
	for range b.N {
		ways := keepings(b, program)
		seen := map[string][]figures{}
		for round := range *rounds {
			for i := range ways {
				way := ways[(round+i)%len(ways)]
				seen[way.name] = append(seen[way.name], measure(b, way, program))
			}
		}
		var table strings.Builder
		base := medians(seen[ways[0].name])
		for _, way := range ways {
			m := medians(seen[way.name])
			fmt.Fprintf(&table, "| `%s` | %.1f µs (%.2f) | %.0f (%.2f) | %.2f ms (%+.2f) | %.2f ms (%+.2f) | %.0f |\n", way.name,
				m.cost, m.cost/base.cost, m.deliveries, m.deliveries/base.deliveries, m.p50, m.p50-base.p50, m.p99, m.p99-base.p99, m.written)
		}
		b.Logf("%d rooms with %d people each; medians of %d rounds of %v:\n"+
			"| store and level | CPU time a delivery | deliveries a second | p50 | p99 | bytes written per edit |\n|---|---|---|---|---|---|\n%s",
			*rooms, *people, *rounds, *span, &table)
	}
}

func medians(all []figures) figures {
	median := func(of func(figures) float64) float64 {
		values := make([]float64, len(all))
		for i, f := range all {
			values[i] = of(f)
		}
		slices.Sort(values)
		return values[len(values)/2]
	}
	return figures{
		cost:       median(func(f figures) float64 { return f.cost }),
		deliveries: median(func(f figures) float64 { return f.deliveries }),
		p50:        median(func(f figures) float64 { return f.p50 }),
		p99:        median(func(f figures) float64 { return f.p99 }),
		written:    median(func(f figures) float64 { return f.written }),
	}
}

// measure puts loads on servers. program is the yroom that makes them.
func measure(b *testing.B, way keeping, program string) (f figures) {
	b.Helper()
	fast := start(b, way, way.store(b))
	report := load(b, program, fast, 0)
	f.cost, f.deliveries = report["server_cpu_us_per_delivery"], report["deliveries_per_second"]
	fast.Stop(b)

	store := way.store(b)
	paced := start(b, way, store)
	all := func() int64 { return written(b) }
	if way.logged != nil {
		all = func() int64 { return way.logged(store) }
	}
	began := all()
	report = load(b, program, paced, 10)
	f.p50, f.p99 = report["latency_p50_ms"], report["latency_p99_ms"]
	paced.Stop(b) // before written: checkpoints count too
	// The people also type while the load warms up.
	f.written = float64(all()-began) / (report["edits"] * (1 + warmUp.Seconds()/report["seconds"]))
	if b.Failed() {
		b.FailNow()
	}
	return f
}

// pinned returns a command that runs on one core, if there are several.
func pinned(b *testing.B, core, program string, args ...string) *exec.Cmd {
	b.Helper()
	if runtime.NumCPU() == 1 {
		return exec.CommandContext(b.Context(), program, args...)
	}
	taskset := testkit.Program(b, "taskset", "apt-get install util-linux")
	return exec.CommandContext(b.Context(), taskset, append([]string{"-c", core, program}, args...)...)
}

// start starts a server.
func start(b *testing.B, way keeping, store string) *testkit.Server {
	b.Helper()
	dir := b.TempDir()
	if way.level != "" {
		settings := fmt.Sprintf("rooms: {default: {durability: %s}}\n", way.level)
		if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte(settings), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	cmd := pinned(b, "0", way.program, "serve", "--listen", "127.0.0.1:0", "--store", store)
	cmd.Dir = dir
	return testkit.Launch(b, cmd)
}

const warmUp = time.Second

// load lets people type and returns the report. A rate of 0 is as fast as their edits are
// received.
func load(b *testing.B, program string, server *testkit.Server, rate int) (report map[string]float64) {
	b.Helper()
	cmd := pinned(b, "1", program, "bench", "fan-out", "--json", "--url", "ws://"+server.Host+"/ws", "--pid", strconv.Itoa(server.Process.Pid),
		"--rooms", strconv.Itoa(*rooms), "--people", strconv.Itoa(*people), "--rate", strconv.Itoa(rate),
		"--warm-up", warmUp.String(), "--span", span.String())
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatalf("%v: %v", cmd.Args, err)
	}
	var all map[string]any
	if err := json.Unmarshal(out, &all); err != nil {
		b.Fatalf("reading the report %q: %v", out, err)
	}
	report = map[string]float64{}
	for name, value := range all {
		if number, ok := value.(float64); ok {
			report[name] = number
		}
	}
	return report
}

// writtenBy returns how many bytes a process has written to the disk, with its children that
// have ended.
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
