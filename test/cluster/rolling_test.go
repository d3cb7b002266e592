package cluster_test

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/load"
	"github.com/yroom/yroom/internal/testkit"
)

var (
	clients = flag.Int("clients", 200, "how many clients TestRollingRestart has, ten in each room")
	calm    = flag.Duration("calm", time.Second, "how long TestRollingRestart waits before it replaces the next process")
)

const (
	typingRate = 0.2 // edits of a client a second
	mostAway   = 10 * time.Second

	// The processes may need more than this times the usual CPU time for so many seconds in a
	// row.
	muchCPU     = 1.5
	mostSeconds = 5
)

// All processes of a cluster are replaced, one after another, while clients type. Each client
// is back soon, nothing is lost, and the processes soon need no more of the CPU than usual.
// With a few clients the start of a process counts more than they do, so this is checked with many.
func TestRollingRestart(t *testing.T) {
	if runtime.GOOS != "linux" {
		testkit.Missingf(t, "the CPU time of processes can be measured on Linux only")
	}
	c := newCluster(t, overRedis, 2, 2)
	target := load.Target{Patience: testkit.Patience}
	for _, address := range c.addresses() {
		target.URLs = append(target.URLs, address+"/ws")
	}
	typing, err := load.JoinTyping(t.Context(), target, load.Shape{Rooms: *clients / 10, People: 10, Writers: 10, Stay: true})
	if err != nil {
		t.Fatal(err)
	}
	defer typing.Leave()
	m := &meter{processes: slices.Concat(c.workers, c.consumers), away: typing.Away}
	typed, err := typing.TypeWhile(typingRate, func() error {
		defer m.watch()()
		time.Sleep(max(*calm, 2*time.Second))
		for _, p := range m.processes {
			m.note(p.name + " is replaced")
			if err := p.replace(); err != nil {
				return err
			}
			testkit.Eventually(t, "all clients are back", func() string {
				if n := typing.Away(); n > 0 {
					return fmt.Sprintf("%d are away", n)
				}
				return ""
			})
			time.Sleep(*calm)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := typing.Check(); err != nil {
		t.Error(err)
	}
	t.Logf("%d clients in %d rooms made %d edits, which reached the others %d times: after %v (p50), %v (p99), %v at most", *clients, *clients/10,
		typed.Edits, typed.Deliveries, typed.Late(0.5).Round(time.Millisecond), typed.Late(0.99).Round(time.Millisecond), typed.Late(1).Round(time.Millisecond))
	t.Logf("connections ended %d times, and were back after %v (p50), %v (p99), %v at most", typed.Returns(),
		typed.Back(0.5).Round(time.Millisecond), typed.Back(0.99).Round(time.Millisecond), typed.Back(1).Round(time.Millisecond))
	if n := typed.Returns(); n < int64(*clients) {
		t.Errorf("clients came back %d times, want %d or more: each was connected to a consumer that was replaced", n, *clients)
	}
	if longest := typed.Back(1); longest > mostAway {
		t.Errorf("a client was away for %v, want %v at most", longest, mostAway)
	}
	usual, busiest := m.usual(), m.busiest()
	t.Logf("the processes usually need %.0f %% of a core, and more than %v times that for %d s at most\n%v", percent(usual), muchCPU, busiest, m)
	if full := *clients >= 1000 && *calm >= 10*time.Second; full && busiest > mostSeconds {
		t.Errorf("the processes needed more than %v times the usual CPU time for %d s, want %d s at most", muchCPU, busiest, mostSeconds)
	}
}

// replace ends the process as an operator does, and returns once another one is ready.
func (p *process) replace() error {
	if err := p.stop(); err != nil {
		return err
	}
	if err := p.restart(); err != nil {
		return err
	}
	for end := time.Now().Add(testkit.Patience); ; time.Sleep(20 * time.Millisecond) {
		response, err := http.Get("http://" + p.host + "/readyz")
		if err == nil {
			err = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return err
			}
		}
		if time.Now().After(end) {
			return errors.Join(errors.New(p.name+" is not ready"), err)
		}
	}
}

// meter measures processes each second.
type meter struct {
	processes []*process
	away      func() int // counts clients without a connection

	mu      sync.Mutex
	seconds []second
	notes   []string // of the current second
}

// second is what was measured in a second.
type second struct {
	cpu   time.Duration
	away  int // at its end
	notes []string
}

// note notes what happens in the current second.
func (m *meter) note(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.notes = append(m.notes, what)
}

// watch measures until end is called.
func (m *meter) watch() (end func()) {
	done := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for before := m.cpu(); ; {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			now := m.cpu()
			m.mu.Lock()
			m.seconds = append(m.seconds, second{now - before, m.away(), m.notes})
			m.notes = nil
			m.mu.Unlock()
			before = now
		}
	})
	return func() { close(done); watching.Wait() }
}

// cpu returns the CPU time that all runs of the processes have used so far.
func (m *meter) cpu() (sum time.Duration) {
	for _, p := range m.processes {
		used, err := p.cpu()
		if err != nil {
			m.note(err.Error())
		}
		sum += used
	}
	return sum
}

// usual returns the mean CPU time of the seconds before the first note.
func (m *meter) usual() time.Duration {
	sum, n := time.Duration(0), time.Duration(0)
	for _, s := range m.seconds {
		if s.notes != nil {
			break
		}
		sum, n = sum+s.cpu, n+1
	}
	return sum / max(n, 1)
}

// busiest returns the length of the longest row of seconds with much more than the usual CPU
// time.
func (m *meter) busiest() (longest int) {
	row, most := 0, time.Duration(muchCPU*float64(m.usual()))
	for _, s := range m.seconds {
		if row++; s.cpu <= most {
			row = 0
		}
		longest = max(longest, row)
	}
	return longest
}

// String returns the curve, a line a second, and its values in one line.
func (m *meter) String() string {
	var b strings.Builder
	var values []string
	for i, s := range m.seconds {
		values = append(values, fmt.Sprintf("%.0f", percent(s.cpu)))
		fmt.Fprintf(&b, "%4d s %5.0f %% %-32s %5d away  %s\n", i+1, percent(s.cpu), strings.Repeat("#", int(percent(s.cpu)/5)), s.away, strings.Join(s.notes, "; "))
	}
	return b.String() + "in % of a core: " + strings.Join(values, ", ")
}

// percent returns the part of a core that is used by so much CPU time in a second.
func percent(cpu time.Duration) float64 { return 100 * cpu.Seconds() }

func TestMeter(t *testing.T) {
	m := &meter{}
	for i, ms := range []int{90, 110, 100, 150, 160, 160, 160, 150, 160, 100, 160, 160} {
		s := second{cpu: time.Duration(ms) * time.Millisecond}
		if i == 3 {
			s.notes = []string{"a process is replaced"}
		}
		m.seconds = append(m.seconds, s)
	}
	if usual, busiest := m.usual(), m.busiest(); usual != 100*time.Millisecond || busiest != 3 {
		t.Errorf("usually %v a second, and much more for %d s; want 100ms, and 3 s", usual, busiest)
	}
}
