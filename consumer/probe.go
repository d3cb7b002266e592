package consumer

import (
	"reflect"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
)

// probeWait is how long a client has to answer the ping of a probe.
const probeWait = 5 * time.Second

// probe pings the client, because another connection claims its client id in awareness.
// If nothing arrives from the client within probeWait, the room learns that it is
// silent. probe doesn't block, and has no effect while an earlier probe waits.
func (c *Conn) probe() {
	s := c.socket
	s.mu.Lock()
	if c.ended || c.probed {
		s.mu.Unlock()
		return
	}
	c.probed = true
	start := c.consumer.clock(time.Now())
	s.background.Go(func() { c.runProbe(start) })
	s.mu.Unlock()
	s.addControl(controlPing, pingFrame)
}

func (c *Conn) runProbe(start int64) {
	select {
	case <-time.After(probeWait):
	case <-c.whenEnding():
		return
	}
	if !c.heard(start) {
		// After an error, a later state of the claimant causes another probe.
		_ = c.consumer.front.Send(layer.Input{Room: c.room, Input: event.Input{Kind: event.InputSilent, Conn: c.id}})
	}
	c.socket.mu.Lock()
	c.probed = false
	c.socket.mu.Unlock()
}

// heard reports whether the client has shown since start, a time of Consumer.clock, that it
// is there: it has sent something, it takes what is written to it, or the room delays a
// message of it.
func (c *Conn) heard(start int64) bool {
	if c.socket.touched.Load() >= start || c.socket.moved.Load() >= start {
		return true
	}
	if !c.handling.TryLock() {
		return true
	}
	c.handling.Unlock()
	return false
}

// userName returns the name by which rooms compare users, or "" if it isn't known. A
// value that isn't a string can't be compared in another process.
func userName(user any) string {
	if v := reflect.ValueOf(user); v.Kind() == reflect.String {
		return v.String()
	}
	return ""
}
