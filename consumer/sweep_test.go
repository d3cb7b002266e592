package consumer

import (
	"net"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// A clock that is set, as by NTP after a suspend, is not a time in which clients were
// silent. (This test has no bubble: times in a bubble have no monotonic reading.)
func TestSteppedClock(t *testing.T) {
	for name, step := range map[string]time.Duration{"not set": 0, "forward": time.Hour, "back": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, Config{})
			defer h.shutdown()
			ours, theirs := net.Pipe()
			defer theirs.Close()
			s := h.newSocket("", 1)
			s.in.conn, s.pinged = ours, h.clock(time.Now())
			s.touch()
			s.move() // a write is in progress
			s.wrote.Store(s.touched.Load())

			s.check(testkit.StepClock(t, time.Now(), step))
			s.mu.Lock()
			ended, why, keepalive := s.ended, s.cause, s.control[controlKeepalive]
			s.mu.Unlock()
			if ended || keepalive != nil {
				t.Errorf("a socket that was just used: ended %v (%v), keepalive %v", ended, why, keepalive != nil)
			}
			s.check(testkit.StepClock(t, time.Now().Add(silenceLimit), step))
			if !s.ended {
				t.Error("a socket that was silent for a minute has not ended")
			}
		})
	}
}
