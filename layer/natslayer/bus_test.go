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
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/link"
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

// TestOrder checks that packets to one process and packets to all arrive in the order in
// which they were sent, even if many of them wait.
func TestOrder(t *testing.T) {
	s := nats.Start(t, nats.Options{})
	b := newTestBus(t, s.URL())
	id, subscribed, blocked, arrived := link.ID{1}, make(chan struct{}), make(chan struct{}), make(chan byte, 100)
	b.Subscribe(id, buslayer.Subscriber{
		Receive: func(data []byte) {
			<-blocked
			arrived <- data[0]
		},
		Subscribed:  func() { close(subscribed) },
		Interrupted: func(err error) { t.Error(err) },
	})
	<-subscribed
	var packets []link.Packet
	for i := range byte(100) {
		p := link.Packet{To: id, Data: []byte{i}}
		if i%10 == 9 {
			p.To = link.Everyone
		}
		packets = append(packets, p)
	}
	if err := b.Publish(packets); err != nil {
		t.Fatal(err)
	}
	time.Sleep(200 * time.Millisecond)
	close(blocked)
	for i := range byte(100) {
		if got := <-arrived; got != i {
			t.Errorf("packet %d has arrived in place of packet %d", got, i)
			break
		}
	}
	_ = b.Close()
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
