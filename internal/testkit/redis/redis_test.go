package redis_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/redis"
)

// A server answers at its address, again after it was killed, and not while paused.
func TestServer(t *testing.T) {
	s := redis.Start(t, redis.Options{})
	answers := func() bool {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			return false
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(testkit.Patience / 100))
		if _, err := conn.Write([]byte("PING\r\n")); err != nil {
			return false
		}
		b := make([]byte, 7)
		_, err = conn.Read(b)
		return err == nil && strings.HasPrefix(string(b), "+PONG")
	}
	check := func(when string, want bool) {
		t.Helper()
		if got := answers(); got != want {
			t.Errorf("%s, the server answers: %v", when, got)
		}
	}
	check("after the start", true)
	s.Kill(t)
	check("after its death", false)
	s.Restart(t)
	check("after a restart", true)
	s.Pause(t)
	check("during a pause", false)
	s.Resume(t)
	check("after a pause", true)
}

func TestSeveral(t *testing.T) {
	redis.StartReplicated(t)
	redis.StartCluster(t)
}
