package cluster_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/store/memstore"
)

// In a rolling upgrade, processes of this version and of a later one run side by side:
// each process is replaced by one of the later version while clients type, and then by
// one of this version again.
func TestRollingUpgrade(t *testing.T) {
	c := newInside(t, memstore.New())
	var unknown atomic.Int64
	later := func(b buslayer.Bus) buslayer.Bus { return laterBus{b, &unknown} }
	ours := func(b buslayer.Bus) buslayer.Bus { return b }

	addresses := []*address{newAddress(t), newAddress(t)}
	start := []func(wrap func(buslayer.Bus) buslayer.Bus) *node{
		func(wrap func(buslayer.Bus) buslayer.Bus) *node { return c.worker("worker-1", wrap) },
		func(wrap func(buslayer.Bus) buslayer.Bus) *node { return c.consumer("consumer-1", addresses[0], wrap) },
		func(wrap func(buslayer.Bus) buslayer.Bus) *node { return c.worker("worker-2", wrap) },
		func(wrap func(buslayer.Bus) buslayer.Bus) *node { return c.consumer("consumer-2", addresses[1], wrap) },
	}
	nodes := make([]*node, len(start))
	for i := range start {
		nodes[i] = start[i](ours)
	}
	var probes []*probe
	for i := range 8 { // two in each room, at different consumers
		probes = append(probes, newProbe(uint64(1+i), addresses[i%2].url, fmt.Sprintf("room-%d", i/2)))
	}
	live(t, probes...)
	wantAnswers(t, probes...)
	for _, version := range []func(buslayer.Bus) buslayer.Bus{later, ours} {
		for i := range nodes {
			wantWell(t, nodes[i])
			nodes[i].stop()
			nodes[i] = start[i](version)
			wantAnswers(t, probes...)
			for _, p := range probes {
				for _, c := range p.takeClosed() {
					if !strings.Contains(c.reason, "restart") {
						t.Errorf("a socket was closed: %v", c)
					}
				}
			}
		}
	}
	for _, n := range nodes {
		wantWell(t, n)
	}
	if n := unknown.Load(); n < 100 {
		t.Errorf("the later version has sent %d frames that this one doesn't know, want some hundreds", n)
	} else {
		t.Logf("%d unknown frames were sent", n)
	}
}

// wantWell fails the test if a process has refused packets or given up another one.
func wantWell(t *testing.T, n *node) {
	t.Helper()
	if s := n.layer.Stats(); s.Malformed != 0 || s.GivenUp != 0 || s.Gaps != 0 {
		t.Errorf("%d packets could not be read, %d processes were given up, %d gaps", s.Malformed, s.GivenUp, s.Gaps)
	}
}
