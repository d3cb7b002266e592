package natslayer

import (
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/internal/testkit/nats"
	"github.com/yroom/yroom/internal/testkit/proxy"
)

func newTestBus(t *testing.T, address string) *bus {
	t.Helper()
	options, prefix, err := parse(Config{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	return newBus(options, prefix)
}

func TestRenew(t *testing.T) {
	s := nats.Start(t, nats.Options{})
	p := proxy.Start(t, s.Addr())
	membus.CheckRenew(t, newTestBus(t, s.URLAt(p.Addr())), p.Stall, p.Resume)
}

// TestCloseWhileConnecting checks that Close doesn't wait until each server was tried.
func TestCloseWhileConnecting(t *testing.T) {
	hosts := ""
	for range 5 {
		silent, err := net.Listen("tcp", "127.0.0.1:0") // it never answers
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = silent.Close() })
		hosts += "," + silent.Addr().String()
	}
	l, err := Open(Config{URL: "nats://" + hosts[1:]})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	_ = l.Close(t.Context())
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("Close took %v, want a second at most", took)
	}
}

// TestLearn checks that the latest servers are remembered, and not all that there ever were.
func TestLearn(t *testing.T) {
	var b bus
	b.learn([]string{"a", "b"})
	b.learn([]string{"c", "b"})
	if want := []string{"c", "b", "a"}; !slices.Equal(b.learned, want) {
		t.Errorf("the servers are %q, want %q", b.learned, want)
	}
	for i := range 100 {
		b.learn([]string{fmt.Sprint(i)})
	}
	if len(b.learned) != mostLearned || b.learned[0] != "99" {
		t.Errorf("the servers are %q, want the latest %d", b.learned, mostLearned)
	}
}
