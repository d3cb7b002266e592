package django

import (
	"flag"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/load"
)

var (
	clients   = flag.Int("clients", 20, "how many clients type in TestTyping")
	typing    = flag.Duration("typing", 2*time.Second, "how long they type")
	pause     = flag.Duration("pause", 500*time.Millisecond, "the time between two letters of a client")
	joining   = flag.Duration("joining", 0, "the time between two clients that connect")
	processes = flag.Int("processes", 1, "how many Django processes there are")
	shared    = flag.String("database", "", "SQLite or PostgreSQL: the workers keep documents in the database of the Django app; by default, that of yroom has an SQLite file, and that of channels-yroom none")
	level     = flag.String("durability", "", "the level of durability of the worker of yroom; fsync by default")
	compare   = flag.Bool("compare", false, "compare the worker of channels-yroom")
	settling  = flag.Duration("settle", 20*time.Second, "how long the clients may take to have the same document")
)

// cpu returns the CPU time that a process, and those that it has started, have used so far. It is
// known on Linux only.
func cpu(t *testing.T, pid int) (used time.Duration) {
	t.Helper()
	used, err := load.CPU(pid)
	if err != nil && runtime.GOOS == "linux" {
		t.Fatal(err)
	}
	return used
}

// commands returns how many commands Redis has handled, scripts counted as one.
func (s *site) commands(t *testing.T) (n int) {
	t.Helper()
	for line := range strings.Lines(s.redisCommand(t, "INFO", "stats")) {
		if number, found := strings.CutPrefix(strings.TrimSpace(line), "total_commands_processed:"); found {
			n, _ = strconv.Atoi(number)
		}
	}
	return n
}

// outcome is what a run of TestTyping has measured.
type outcome struct {
	edits, lacking, commands int
	worker, django, redis    time.Duration
	database                 time.Duration // used by PostgreSQL
	ended                    bool          // the worker has ended
}

// typed lets clients type in a room whose document is in a database; the zero database is that of no
// server.
func (s *site) typed(t *testing.T, documents database) (o outcome) {
	t.Helper()
	var names []string
	for i := range *clients {
		name := "person" + strconv.Itoa(i)
		s.ask(t, "open", "name", name, "url", fmt.Sprintf("ws://127.0.0.1:%d/ws", s.ports[i%len(s.ports)]), "room", s.room, "seconds", 5)
		names = append(names, name)
		time.Sleep(*joining)
		if !s.worker.Running() { // that of channels-yroom ends when it can't answer
			return outcome{ended: true, lacking: len(names)}
		}
	}
	measure := func(sign int) {
		o.commands += sign * s.commands(t)
		if o.ended = !s.worker.Running(); !o.ended {
			o.worker += time.Duration(sign) * cpu(t, s.worker.PID())
		}
		o.redis += time.Duration(sign) * cpu(t, s.redis.PID())
		if documents.server != nil {
			o.database += time.Duration(sign) * cpu(t, documents.server.PID())
		}
		for _, d := range s.django {
			o.django += time.Duration(sign) * cpu(t, d.PID())
		}
	}
	measure(-1)
	o.edits = int(s.ask(t, "typeFor", "names", names, "seconds", typing.Seconds(), "pause", pause.Milliseconds()).(float64))
	o.lacking = int(s.ask(t, "lacking", "names", names, "length", o.edits, "seconds", settling.Seconds()).(float64))
	measure(1)
	return o
}

// TestTyping lets clients type in one room. With -compare, it prints a table of docs/django.md.
func TestTyping(t *testing.T) {
	workers := map[string]bool{"yroom": false}
	if *compare {
		workers["Python"] = true
	}
	for name, isPython := range workers {
		o := options{layer: "core", server: "daphne", django: *processes, python: isPython}
		var documents database
		if create := databases[*shared]; create != nil {
			documents = create(t)
			migrate(t, documents.address)
			o.store, o.extra = documents.store, []string{"DATABASE=" + documents.address}
		} else if *shared != "" {
			t.Fatalf("-database is %q: it is SQLite or PostgreSQL", *shared)
		}
		s := start(t, o)
		got := s.typed(t, documents)
		if got.ended {
			t.Logf("the worker %s has ended, with %d clients", name, got.lacking)
			continue
		}
		per := func(d time.Duration) string { return fmt.Sprintf("%.2f ms", d.Seconds()*1000/float64(got.edits)) }
		t.Logf("| %s | %d of %d | %d | %.1f | %s | %s | %s | %s |", name, got.lacking, *clients, got.edits,
			float64(got.commands)/float64(got.edits), per(got.worker), per(got.database), per(got.redis), per(got.django))
		if !isPython && got.lacking > 0 {
			t.Errorf("%d of %d clients don't have all edits", got.lacking, *clients)
		}
		s.must(t, "leave")
	}
}
