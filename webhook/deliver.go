package webhook

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/yroom/yroom/store"
)

const (
	atOnce    = 4                // requests to one webhook at once, about the rooms of all stores
	poll      = time.Second      // how often a store is asked for notices while there are none, and no delivery ends
	count     = 15 * time.Second // how often they are counted
	leases    = 3                // a lease takes this multiple of the timeout of a request
	longest   = 10               // a change is sent at the latest after this multiple of the delay
	maxHeader = 64 << 10

	// In bytes: the content of documents of this size or more is made for one at a time, because
	// that takes several times their size in memory.
	largeDocument = 64 << 10
)

// Deliverer delivers the notices of stores.
type Deliverer struct {
	feeds     []*feed
	recorders map[Store]*recorder
	storeOf   func(room string) Store
	webhooks  store.Webhooks
}

// feed is the notices of one store for one webhook.
type feed struct {
	hook   Hook
	store  Store
	client *http.Client
	log    *slog.Logger
	slots  chan struct{} // of all feeds of the hook: has an item for each request in progress
	ended  chan struct{} // has an item if a delivery has ended, so that its room may have another notice to take
	unread bool          // the last read of notices has failed; used by run only
	large  chan struct{} // of all feeds: has an item while a large document is read, and its content made

	mu      sync.Mutex
	failing int // how many attempts have failed since one succeeded
	done    Stats
	logged  int // how many of done.Removed were logged
}

// New returns a Deliverer. The error says what is wrong with a Hook.
func New(cfg Config) (*Deliverer, error) {
	log, large := cmp.Or(cfg.Logger, slog.Default()), make(chan struct{}, 1)
	d := &Deliverer{recorders: map[Store]*recorder{}, storeOf: cfg.StoreOf, webhooks: cfg.Webhooks}
	for _, s := range cfg.Stores {
		d.recorders[s] = newRecorder(s, cfg.Webhooks, log)
	}
	known := map[string]bool{}
	for _, h := range cfg.Hooks {
		if err := h.Check(); err != nil {
			return nil, err
		}
		if known[h.Name] {
			return nil, fmt.Errorf("webhook %s: there are two of this name", h.Name)
		}
		known[h.Name] = true
		h = h.withDefaults()
		client, slots := h.client(), make(chan struct{}, atOnce)
		for _, s := range cfg.Stores {
			f := &feed{
				hook: h, store: s, client: client, log: log.With("webhook", h.Name),
				slots: slots, ended: make(chan struct{}, 1), large: large, done: Stats{Hook: h.Name},
			}
			d.feeds = append(d.feeds, f)
			d.recorders[s].feeds[h.Name] = f
		}
	}
	return d, nil
}

// Run delivers notices until ctx ends. Requests in progress are then cut off; they are sent
// again by another process, or once this one runs again. So end Run after the workers that call
// Joined and Left, and before the stores are closed.
func (d *Deliverer) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, f := range d.feeds {
		running.Go(func() { f.run(ctx) })
		running.Go(func() { f.count(ctx) })
	}
	for _, r := range d.recorders {
		running.Go(func() { r.run(ctx) })
	}
	running.Wait()
	for _, f := range d.feeds {
		f.client.CloseIdleConnections()
		f.logRemoved()
	}
}

// run takes notices and delivers them.
func (f *feed) run(ctx context.Context) {
	var delivering sync.WaitGroup
	defer delivering.Wait()
	for {
		select {
		case f.slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		began := time.Now() // before the lease
		n, found := f.take(ctx)
		if !found {
			<-f.slots
			f.rest(ctx)
			continue
		}
		delivering.Go(func() {
			f.deliver(ctx, n, began)
			<-f.slots
			select {
			case f.ended <- struct{}{}:
			default:
			}
		})
		wait(ctx, f.pause())
	}
}

// rest waits until the store is asked for notices again.
func (f *feed) rest(ctx context.Context) {
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-f.ended:
	case <-ctx.Done():
	}
}

// take takes a notice, if there is one.
func (f *feed) take(ctx context.Context) (store.Notice, bool) {
	taken, err := f.store.TakeNotices(ctx, takingOf(f.hook))
	if ctx.Err() == nil {
		if err != nil && !f.unread {
			f.log.Warn("The store could not be read for a webhook. It is read again each second. Nothing is lost. Check the store.", "error", err)
		}
		if err == nil && f.unread {
			f.log.Info("The store can be read for a webhook again.")
		}
		f.unread = err != nil
	}
	if len(taken) == 0 {
		return store.Notice{}, false
	}
	return taken[0], true
}

// takingOf says which notices are taken for a hook.
func takingOf(h Hook) store.Taking {
	return store.Taking{Webhook: h.Name, Limit: 1, Lease: leases * h.Timeout, Quiet: h.Delay, Longest: longest * h.Delay}
}

// pause returns how long to wait before the next notice is taken. It grows while all attempts fail,
// so that a receiver that is down gets few requests, however many rooms were changed.
func (f *feed) pause() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing == 0 {
		return 0
	}
	return min(100*time.Millisecond<<min(f.failing-1, 10), 10*time.Second)
}

// count counts the notices from time to time.
func (f *feed) count(ctx context.Context) {
	for ctx.Err() == nil {
		if c, err := f.store.CountNotices(ctx, f.hook.Name); err == nil {
			f.mu.Lock()
			f.done.NoticeCounts = c
			f.mu.Unlock()
		}
		f.logRemoved()
		wait(ctx, count)
	}
}

// removed notes that the store has removed notices of connections, because too many wait.
func (f *feed) removed(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.done.Removed += n
}

// logRemoved logs how many notices were removed since it was last called.
func (f *feed) logRemoved() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := f.done.Removed - f.logged; n > 0 {
		f.log.Warn("The oldest events of connections were removed, because too many of a room wait for a webhook. They are not sent. Check its receiver.",
			"removed", n, "limit", store.MostNotices)
		f.logged = f.done.Removed
	}
}

// wait waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	if d == 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
