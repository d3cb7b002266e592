package djangolayer

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/protocol"
)

func (s *socket) awaitGroup(t *testing.T, want ...string) {
	t.Helper()
	slices.Sort(want)
	testkit.Eventually(t, "the group has its members", func() string {
		got, err := s.hosts[0].Do(t.Context(), s.hosts[0].B().Arbitrary("ZRANGE", "asgi:group:"+s.room, "0", "-1").Build()).AsStrSlice()
		slices.Sort(got)
		if err != nil || !slices.Equal(got, want) {
			return fmt.Sprint(got, err)
		}
		return ""
	})
}

// A Redis that was restarted has lost the groups.
func TestRestart(t *testing.T) {
	s := redis.Start(t, redis.Options{})
	d := start(t, "", s.URL())
	a := d.socket("room", "a")
	joined(t, a)
	s.Kill(t)
	testkit.Eventually(t, "the layer is not ready", func() string {
		if d.layer.Ready() == nil {
			return "it is"
		}
		return ""
	})
	s.Restart(t)
	a.awaitGroup(t, a.name)
}

// A connection that was in its group and has left it has ended. One that has never been seen
// there may live.
func TestCompare(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "b")
	joined(t, a)
	b.send(t, protocol.Message{Type: protocol.SyncStep1, Data: []byte{0}})
	await(t, "b has the document", func() string {
		if b.steps == 0 {
			return "it has not"
		}
		return ""
	}, b)
	p := d.layer.proxy
	p.mu.Lock()
	r := p.rooms["room"]
	silent := p.bus.now().Add(-goneAfter)
	for _, c := range r.conns {
		c.heard = silent
	}
	p.mu.Unlock()
	for _, step := range []struct {
		members []string
		want    int
	}{
		{nil, 2}, {[]string{a.name, "other"}, 2}, {[]string{a.name, b.name}, 2}, {[]string{a.name, "other"}, 1}, {[]string{"other"}, 0},
	} {
		p.compare(r, step.members)
		if got := d.layer.Stats().Conns; got != step.want {
			t.Fatalf("%v in the group: %d connections, want %d", step.members, got, step.want)
		}
	}
}

// A group is kept from ending a day after its last member has joined.
func TestRenew(t *testing.T) {
	d := start(t, "")
	a, b := d.socket("room", "a"), d.socket("room", "a")
	joined(t, a)
	joined(t, b)
	d.do(t, 0, "ZADD", "asgi:group:room", "1", a.name) // b has left, and its message was lost
	d.do(t, 0, "EXPIRE", "asgi:group:room", "60")
	p := d.layer.proxy
	p.mu.Lock()
	p.rooms["room"].renewed = p.bus.now().Add(-groupRenew)
	p.keepGroups()
	p.mu.Unlock()
	testkit.Eventually(t, "the group is renewed", func() string {
		left, err := d.do(t, 0, "TTL", "asgi:group:room").AsInt64()
		if err != nil || left < int64(groupRenew/time.Second) {
			return fmt.Sprint(left, err)
		}
		return ""
	})
	a.awaitGroup(t, a.name)
	if at, err := d.do(t, 0, "ZSCORE", "asgi:group:room", a.name).AsFloat64(); err != nil || at == 1 {
		t.Errorf("the member is as old as before: %v, %v", at, err)
	}
}
