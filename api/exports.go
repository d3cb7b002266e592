package api

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
)

const (
	// defaultExports is the default of Config.Memory.
	defaultExports = 256 << 20
	// integratedCost is how many bytes an export takes at most for each byte of its
	// document if the format requires that the document is integrated, and encodedCost if
	// it doesn't. They were measured with documents of single characters, which take most.
	integratedCost = 40
	encodedCost    = 4
	// schemaCost is how many bytes an export by the schema of a room, or a change of blocks,
	// takes at most for each byte of the document. It includes the nodes of the document.
	schemaCost = 100
	// leastCost is what is reserved for the smallest document.
	leastCost = 64 << 10
	// exportPatience is how long an export waits for memory.
	exportPatience = 10 * time.Second
)

// exports bounds the memory of exports, and of the first events of streams. Calls wait for
// memory in order. Calls for the same document, state and format share one export, which
// is made once, and counted once until the last of them has left it.
type exports struct {
	size int // the bound in bytes; one export may be larger

	mu      sync.Mutex
	used    int
	waiting []*waiting
	all     map[exportKey]*exported
}

// exportKey identifies a document in a state and a format.
type exportKey struct{ room, tag string }

// exported is a document in a state and a format.
type exported struct {
	key      exportKey
	users    int
	reserved int           // bytes, until the last user has left
	done     chan struct{} // closed when the fields below are set
	mark     event.Mark
	body     []byte
	size     int // the bytes that stay reserved once it is made: of the body or of what is sent in its place
	err      error
}

// waiting is a call of reserve that waits.
type waiting struct {
	n        int
	reserved chan struct{} // closed when n bytes are reserved
}

func newExports(size int) *exports {
	return &exports{size: size, all: make(map[exportKey]*exported)}
}

// share returns the export with the key. It calls write to make the export, unless another
// call has made it or is making it. If the error is nil, the caller has to call leave with
// the export.
func (x *exports) share(ctx context.Context, key exportKey, cost int, write func(*exported) error) (*exported, error) {
	for {
		e, first := x.join(key)
		if first {
			x.run(ctx, e, cost, write)
		} else {
			select {
			case <-e.done:
			case <-ctx.Done():
				x.leave(e)
				return nil, ctx.Err()
			}
		}
		if e.err == nil {
			return e, nil
		}
		x.leave(e)
		if first || !errors.Is(e.err, context.Canceled) { // otherwise the client whose request was first has disconnected
			return nil, e.err
		}
	}
}

// join returns the export with the key. If first is true, the caller has to make it.
func (x *exports) join(key exportKey) (e *exported, first bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e = x.all[key]
	if first = e == nil; first {
		e = &exported{key: key, done: make(chan struct{})}
		x.all[key] = e
	}
	e.users++
	return e, first
}

var errPanic = errors.New("api: the export has panicked")

// run calls write once the memory is reserved, and sets e.err.
func (x *exports) run(ctx context.Context, e *exported, cost int, write func(*exported) error) {
	defer func() {
		if e.err != nil {
			x.forget(e)
		}
		close(e.done)
		if errors.Is(e.err, errPanic) { // nothing else leaves
			x.leave(e)
		}
	}()
	if e.err = x.reserve(ctx, cost); e.err != nil {
		return
	}
	x.keep(e, cost)
	e.err = errPanic
	e.err = write(e)
	x.free(cost - e.size)
	x.keep(e, e.size)
}

// forget removes the export, so that the next call with its key makes another one.
func (x *exports) forget(e *exported) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all[e.key] == e {
		delete(x.all, e.key)
	}
}

// keep sets how many reserved bytes leave frees for e.
func (x *exports) keep(e *exported, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	e.reserved = n
}

// leave ends the use of an export.
func (x *exports) leave(e *exported) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if e.users--; e.users > 0 {
		return
	}
	if x.all[e.key] == e {
		delete(x.all, e.key)
	}
	x.used -= e.reserved
	x.wake()
}

// reserve reserves n bytes. It waits until they are free.
func (x *exports) reserve(ctx context.Context, n int) error {
	x.mu.Lock()
	if len(x.waiting) == 0 && x.fits(n) {
		x.used += n
		x.mu.Unlock()
		return nil
	}
	w := &waiting{n, make(chan struct{})}
	x.waiting = append(x.waiting, w)
	x.mu.Unlock()
	ctx, cancel := context.WithTimeoutCause(ctx, exportPatience,
		unavailable.because("Other documents are being exported, and there is no memory left for this one. Send the request again later."))
	defer cancel()
	select {
	case <-w.reserved:
		return nil
	case <-ctx.Done():
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	select {
	case <-w.reserved:
		x.used -= n
	default:
		x.waiting = slices.DeleteFunc(x.waiting, func(other *waiting) bool { return other == w })
	}
	x.wake()
	return context.Cause(ctx)
}

// free frees bytes, or takes more if n is negative.
func (x *exports) free(n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.used -= n
	x.wake()
}

func (x *exports) fits(n int) bool { return x.used == 0 || x.used+n <= x.size }

// wake reserves for the calls whose turn has come. The lock must be held.
func (x *exports) wake() {
	for len(x.waiting) > 0 && x.fits(x.waiting[0].n) {
		x.used += x.waiting[0].n
		close(x.waiting[0].reserved)
		x.waiting = x.waiting[1:]
	}
}

// Reserve reserves n bytes of Config.Memory for an export that the program makes itself.
// It waits for up to 10 seconds until they are free. The caller has to call release once
// the export was sent.
func (a *Handler) Reserve(ctx context.Context, n int) (release func(), err error) {
	if err := a.exports.reserve(ctx, n); err != nil {
		return nil, err
	}
	return func() { a.exports.free(n) }, nil
}

// export returns a document in the selected format. The caller has to call leave with it.
func (a *Handler) export(ctx context.Context, d *document.Document, s selection, info document.Info) (*exported, error) {
	cost := integratedCost
	switch {
	case s.format.encoded:
		cost = encodedCost
	case s.format.byBlock:
		cost = schemaCost
	}
	key := exportKey{d.Room(), s.tag(info.Mark)}
	return a.exports.share(ctx, key, leastCost+cost*info.Summary.Size, func(e *exported) error {
		info, err := d.Backup(ctx)
		if err != nil {
			return err
		}
		e.mark = info.Mark
		e.body, err = s.format.write(info, s)
		e.size = len(e.body)
		return err
	})
}

// firstEvent returns the first event of a stream: what was added since the given Mark. The
// stream continues from the mark of the event. If the room is not in memory, the event has
// no body, and only reserves memory for the first change. The caller has to call leave
// once either was sent.
func (a *Handler) firstEvent(ctx context.Context, d *document.Document, since event.Mark) (*exported, error) {
	info, err := d.Info(ctx)
	if err != nil {
		return nil, err
	}
	if since.Epoch != info.Mark.Epoch {
		since = event.Mark{} // all streams that begin with the whole document share it
	}
	key := exportKey{d.Room(), since.String() + " to " + info.Mark.String()}
	return a.exports.share(ctx, key, leastCost+encodedCost*info.Summary.Size, func(e *exported) error {
		if info.Mark.Epoch == 0 {
			e.size = info.Summary.Size
			return nil
		}
		added, err := d.Query(ctx, since)
		e.mark, e.body, e.size = added.Mark, added.Update, len(added.Update)
		return err
	})
}
