package proxy

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// Disturb disturbs the proxies until stop is called. Ten times a second it picks one of
// them. It closes all connections of that one in lose of 20 cases, and stalls it for a
// moment in delay of 100 cases.
func Disturb(t testing.TB, proxies []*Proxy, lose, delay int) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
			p := proxies[rand.IntN(len(proxies))]
			if rand.IntN(20) < lose {
				p.CloseAll()
			}
			if rand.IntN(100) < delay {
				p.Stall()
				time.Sleep(20 * time.Millisecond)
				p.Resume()
			}
		}
	})
	var once sync.Once
	stop = func() {
		once.Do(func() { close(done) })
		running.Wait()
	}
	t.Cleanup(stop)
	return stop
}
