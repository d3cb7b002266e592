// Package gate lets the end of a layer refuse new calls and wait for those that are
// running.
package gate

import "sync"

// Gate counts the calls from and to one end of a layer that are running, and
// refuses new ones once it is closed. The zero Gate is open.
type Gate struct {
	mu      sync.Mutex
	closed  bool
	running sync.WaitGroup
}

// Enter reports whether a call may begin; if so, Leave must be called after it.
func (g *Gate) Enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.running.Add(1)
	return true
}

// Leave ends a call.
func (g *Gate) Leave() { g.running.Done() }

// Close refuses new calls and waits for those that are running.
func (g *Gate) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.running.Wait()
}
