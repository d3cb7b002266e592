package worker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/yroom/yroom/store"
)

// A store can be away for a moment: a database restarts, or its leader changes. So a load,
// an append or a check that fails is repeated for a while before it closes the room. Meanwhile
// its inputs wait, and nothing is broadcast that isn't stored. An append that has failed may
// have stored its entry nevertheless. Then the log has the same update twice, which is
// harmless.

const (
	patience     = 5 * time.Second // how long a call of the store that fails is repeated
	firstPause   = 50 * time.Millisecond
	longestPause = 500 * time.Millisecond
)

// repetition is the state of a call that is repeated.
type repetition struct {
	since time.Time     // when the call failed first; zero: it has not failed
	pause time.Duration // before the next attempt
}

// lasting are the errors of a store that remain if a call is repeated.
var lasting = []error{
	store.ErrNotFound, store.ErrDeleted, store.ErrExists, store.ErrConflict, store.ErrCorrupt,
	store.ErrInvalid, store.ErrLost, store.ErrClosed, errors.ErrUnsupported, context.Canceled,
}

// mayPass reports whether a call of the store that has returned err may succeed later.
func (w *Worker) mayPass(err error) bool {
	if _, panicked := errors.AsType[*bug](err); panicked || w.working.Err() != nil {
		return false
	}
	return !slices.ContainsFunc(lasting, func(target error) bool { return errors.Is(err, target) })
}

// repeat is called by f after f has called the store, with the error of the store. It
// reports whether it will call f again, because the store may work again soon. A call
// that takes longer than patience is repeated once.
func (a *actor) repeat(r *repetition, err error, f func()) bool {
	if err == nil && r.since.IsZero() {
		return false
	}
	w := a.worker
	now := w.config.Runtime.Now()
	switch {
	case err == nil:
		w.config.Logger.Warn("The store has failed for a moment. It works again, and nothing was lost.", "room", a.name, "duration", now.Sub(r.since).String())
		fallthrough
	case !w.mayPass(err), !r.since.IsZero() && now.Sub(r.since) >= patience:
		*r = repetition{}
		return false
	case r.since.IsZero():
		*r = repetition{now, firstPause}
	default:
		r.pause = min(2*r.pause, longestPause)
	}
	w.afterFunc(r.pause, func() { w.config.Runtime.Go(f) })
	return true
}
