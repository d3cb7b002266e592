// Package layers_test measures what a layer between processes costs. The same users type
// into a single process, and into two consumers and a worker that Redis or NATS connects.
// These arrangements take turns within one run. The users run in another process.
//
//	go test -run '^$' -bench . -benchtime 1x ./bench/layers
package layers_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/load"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
	"github.com/yroom/yroom/internal/testkit/nats"
	"github.com/yroom/yroom/internal/testkit/redis"
)

var (
	rounds = flag.Int("rounds", 5, "number of measurements of each arrangement")
	span   = flag.Duration("span", 1500*time.Millisecond, "duration of each measurement")
)

// everyone is the users, who are all in one room and type.
var everyone = load.Shape{Rooms: 1, People: 20, Writers: 20}

const rate = 10 // edits of a user a second, when they don't type as fast as they can

// figures are the results of one measurement, or the medians of several.
type figures struct {
	p50, p99   time.Duration // from sending an edit to its receipt by another user, at the pace
	messages   float64       // the messages that the broker received per edit, at the pace
	bytes      float64       // the bytes that the broker received and sent per edit, at the pace
	cost       time.Duration // the CPU time of all processes per edit, at the pace
	deliveries float64       // per second of the CPU time of all processes, while each user types as fast as its edits are received
}

// arrangement is a way to run yroom.
type arrangement struct {
	name  string
	start func(b *testing.B, program string) *running
}

// running is an arrangement that was started.
type running struct {
	addresses []string // of rooms, one for each consumer
	pids      []int    // of all processes
	broker    func(b *testing.B) (messages, bytes int64)
	stop      func(b *testing.B)
}

func BenchmarkLayers(b *testing.B) {
	program := testkit.Build(b)
	all := []arrangement{{"one process", single}, {"Redis", overRedis}, {"NATS", overNATS}}
	for range b.N {
		seen := map[string][]figures{}
		for round := range *rounds {
			for i := range all {
				a := all[(round+i)%len(all)]
				seen[a.name] = append(seen[a.name], measure(b, a.start(b, program)))
			}
		}
		var table strings.Builder
		base := medians(seen[all[0].name])
		for _, a := range all {
			m := medians(seen[a.name])
			fmt.Fprintf(&table, "| %s | %.2f ms (%+.2f) | %.2f ms (%+.2f) | %.1f | %.0f | %d µs | %.0f (%.2f) |\n", a.name,
				milliseconds(m.p50), milliseconds(m.p50-base.p50), milliseconds(m.p99), milliseconds(m.p99-base.p99),
				m.messages, m.bytes, m.cost.Microseconds(), m.deliveries, m.deliveries/base.deliveries)
		}
		b.Logf("medians of %d rounds of %v:\n"+
			"| | p50 | p99 | messages per edit | bytes per edit | CPU time per edit | deliveries per CPU second |\n|---|---|---|---|---|---|---|\n%s", *rounds, *span, &table)
	}
}

func medians(all []figures) figures {
	return figures{
		p50:        median(all, func(f figures) time.Duration { return f.p50 }),
		p99:        median(all, func(f figures) time.Duration { return f.p99 }),
		messages:   median(all, func(f figures) float64 { return f.messages }),
		bytes:      median(all, func(f figures) float64 { return f.bytes }),
		cost:       median(all, func(f figures) time.Duration { return f.cost }),
		deliveries: median(all, func(f figures) float64 { return f.deliveries }),
	}
}

func measure(b *testing.B, r *running) (f figures) {
	b.Helper()
	users, err := load.JoinTyping(b.Context(), load.Target{URLs: r.addresses, PIDs: r.pids}, everyone)
	if err != nil {
		b.Fatal(err)
	}
	defer users.Leave()
	messages, bytes := r.broker(b)
	paced, err := users.Type(rate, 0, *span)
	if err != nil {
		b.Fatal(err)
	}
	edits := float64(paced.Edits)
	f.p50, f.p99 = paced.Late(0.5), paced.Late(0.99)
	messagesAfter, bytesAfter := r.broker(b)
	f.messages, f.bytes = float64(messagesAfter-messages)/edits, float64(bytesAfter-bytes)/edits
	f.cost = time.Duration(float64(paced.CPU()) / edits)

	fast, err := users.Type(0, 0, *span)
	if err == nil {
		err = users.Check()
	}
	if err != nil {
		b.Fatal(err)
	}
	f.deliveries = float64(fast.Deliveries) / fast.CPU().Seconds()
	users.Leave()
	r.stop(b)
	if b.Failed() {
		b.FailNow()
	}
	return f
}

func single(b *testing.B, program string) *running {
	b.Helper()
	server := testkit.Serve(b, program, b.TempDir(), "--store", "memory:")
	return &running{
		addresses: []string{server.URL("")},
		pids:      []int{server.Process.Pid},
		broker:    func(*testing.B) (messages, bytes int64) { return 0, 0 },
		stop:      func(b *testing.B) { b.Helper(); server.Stop(b) },
	}
}

// cluster starts two consumers and a worker.
func cluster(b *testing.B, program, layer string) *running {
	b.Helper()
	dir := b.TempDir()
	worker := testkit.Start(b, program, dir, "worker", "--layer", layer, "--store", "memory:")
	one := testkit.Start(b, program, dir, "consumer", "--layer", layer)
	two := testkit.Start(b, program, dir, "consumer", "--layer", layer)
	return &running{
		addresses: []string{one.URL(""), two.URL("")},
		pids:      []int{worker.Process.Pid, one.Process.Pid, two.Process.Pid},
		stop: func(b *testing.B) {
			b.Helper()
			one.Stop(b)
			two.Stop(b)
			worker.Stop(b)
		},
	}
}

func overRedis(b *testing.B, program string) *running {
	b.Helper()
	broker := redis.Start(b, redis.Options{})
	r := cluster(b, program, broker.URL())
	r.pids = append(r.pids, broker.PID())
	r.broker = func(b *testing.B) (messages, bytes int64) {
		b.Helper()
		messages, received, sent := broker.Published(b)
		return messages, received + sent
	}
	return r
}

func overNATS(b *testing.B, program string) *running {
	b.Helper()
	monitor := fmt.Sprintf("127.0.0.1:%d", daemon.FreePort(b))
	broker := nats.Start(b, nats.Options{Config: fmt.Sprintf("http: %q\n", monitor)})
	r := cluster(b, program, broker.URL())
	r.pids = append(r.pids, broker.PID())
	r.broker = func(b *testing.B) (messages, bytes int64) {
		b.Helper()
		response, err := http.Get("http://" + monitor + "/varz")
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }() // it was read
		var v struct {
			Messages int64 `json:"in_msgs"`
			Received int64 `json:"in_bytes"`
			Sent     int64 `json:"out_bytes"`
		}
		if err := json.NewDecoder(response.Body).Decode(&v); err != nil {
			b.Fatal(err)
		}
		return v.Messages, v.Received + v.Sent
	}
	return r
}
