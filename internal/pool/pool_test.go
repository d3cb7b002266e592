package pool

import (
	"sync"
	"testing"
	"testing/synctest"
)

// Functions run although all goroutines are busy, and after Close; none of the goroutines that
// were kept is left then.
func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // waits for all goroutines
		p := New()
		var done sync.WaitGroup
		release := make(chan struct{})
		for range 2 * p.most {
			done.Add(1)
			p.Run(func() {
				defer done.Done()
				<-release
			})
		}
		close(release)
		done.Wait()
		synctest.Wait()
		if kept := p.kept.Load(); kept != p.most {
			t.Errorf("%d goroutines are kept, want %d", kept, p.most)
		}
		p.Close()
		synctest.Wait()
		done.Add(1)
		p.Run(done.Done)
		done.Wait()
	})
}

// A function runs on a goroutine that is kept, if one is idle.
func TestPoolKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New()
		defer p.Close()
		for range 10 {
			p.Run(func() {})
			synctest.Wait()
		}
		if kept := p.kept.Load(); kept != 1 {
			t.Errorf("%d goroutines are kept, want 1", kept)
		}
	})
}
