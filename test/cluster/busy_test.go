package cluster_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

var (
	busy    = flag.Duration("busy", 5*time.Second, "how long TestBusy lasts")
	burners = flag.Int("burners", runtime.NumCPU(), "number of processes that only use the CPU meanwhile")
)

// On a busy machine no process gives up another one that lives.
func TestBusy(t *testing.T) {
	h := &chaos{cluster: newCluster(t, overRedis, 3, 2), figures: figures{}, random: rand.New(rand.NewPCG(1, 0))}
	h.begin()
	for range *burners {
		burn(t)
	}
	for end := time.Now().Add(*busy); time.Now().Before(end); {
		h.replace()
		time.Sleep(time.Second)
	}
	stats := h.observer.Stats()
	t.Logf("in %v, a process was silent for %v at most, and %d times for half of the time after which it is given up",
		*busy, stats.LongestSilence, stats.NearSilences)
	if stats.GivenUp > 0 {
		t.Errorf("%d processes were given up", stats.GivenUp)
	}
	for _, p := range append(h.workers, h.consumers...) {
		log, err := os.ReadFile(p.log.Name())
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(log), "given up") {
			t.Errorf("%s has given up another process", p.name)
		}
	}
	h.ask(map[string]any{"do": "type", "on": false}, nil)
	h.await(healing, h.pending)
}

// burn uses a CPU until the end of the test.
func burn(t *testing.T) {
	t.Helper()
	cmd := exec.Command("sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it doesn't end by itself
		_ = cmd.Wait()
	})
}
