package redislayer

import (
	"testing"

	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/internal/testkit/proxy"
	"github.com/yroom/yroom/internal/testkit/redis"
)

func TestRenew(t *testing.T) {
	s := redis.Start(t, redis.Options{})
	p := proxy.Start(t, s.Addr())
	options, prefix, err := parse(s.URLAt(p.Addr()), nil)
	if err != nil {
		t.Fatal(err)
	}
	membus.CheckRenew(t, newBus(options, prefix), p.Stall, p.Resume)
}
