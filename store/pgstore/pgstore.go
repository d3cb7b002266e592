package pgstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/internal/group"
)

// Config configures a Store. The zero value is a usable configuration.
type Config struct {
	// Durability returns the level of a room by its name. It is called from any
	// goroutine. Nil: all rooms are at store.DurabilityFsync.
	Durability func(room string) store.Durability
	// Queue is how many bytes of appends may wait to be written, including those that are
	// being written. Entries of 64 KiB or more have one half of it, and others the other half.
	// Calls block while that is full. Zero: 32 MiB.
	Queue int
	// Timeout is how long an append may wait for its turn, then how long it may take to be
	// written, and how long List and Delete may take. Load, Compact, Create and an
	// append of more than 32 MiB, which may carry a whole document, may take four times as
	// long. Zero: 10 s.
	Timeout time.Duration
	// Alone says that no other process takes over rooms while this one runs them. Then appends at
	// store.DurabilityNone wait in the queue for up to 0.1 s, so that more of them share a commit.
	// A process that took over a room meanwhile would not find them.
	Alone bool
	// Webhooks returns the names of the webhooks of a room that want an event: see
	// store.Notices. It is called from any goroutine. Nil: there are none.
	Webhooks store.Webhooks
}

const (
	defaultQueue   = 32 << 20
	defaultTimeout = 10 * time.Second
	largeTimeouts  = 4 // Config.Timeout times this is the timeout of calls that carry a document
)

// Store is a store.Store that supports all methods. It must be closed.
type Store struct {
	name   string // of the database, for errors
	config Config
	pool   *pgxpool.Pool
	writer *pgxpool.Pool // for batches only, so that they never wait for other calls
	queue  *group.Queue[*request]
	size   batchSize

	retrying  chan struct{} // has an item for each batch whose locked rooms are tried again
	unawaited group.Unawaited
	writing   sync.WaitGroup // the goroutines that write batches, or parts of them again
	using     sync.RWMutex   // read-locked by calls that use the pool, so that Close can wait for them
	closed    bool           // guarded by using
	close     func() error
}

var _ store.Store = (*Store)(nil)

// Open connects to the database at url, and creates or migrates the schema yroom if that
// is necessary. Several processes may do so at the same time. The url is a connection string
// of PostgreSQL, such as postgres://user:password@host:5432/database, with the parameters
// of package pgxpool: pool_max_conns bounds the connections besides those for appends,
// which are two, and up to eight more while rooms are locked. And default_query_exec_mode=cache_statement makes the server parse each statement only
// once in a connection, if there is no pooler of transactions. Errors never contain the
// url or the password, and say what an operator can do.
func Open(ctx context.Context, url string, config Config) (*Store, error) {
	if config.Durability == nil {
		config.Durability = func(string) store.Durability { return store.DurabilityFsync }
	}
	if config.Queue == 0 {
		config.Queue = defaultQueue
	}
	if config.Timeout == 0 {
		config.Timeout = defaultTimeout
	}
	settings, err := parse(url)
	if err != nil {
		return nil, err
	}
	delay := time.Duration(0)
	if config.Alone {
		delay = group.CommitDelay
	}
	s := &Store{
		name: databaseName(settings.ConnConfig), config: config, queue: group.NewQueue[*request](config.Queue, delay),
		retrying: make(chan struct{}, retries),
	}
	if s.pool, err = pgxpool.NewWithConfig(ctx, settings); err != nil {
		return nil, explain(s.name, err)
	}
	settings = settings.Copy()
	settings.MaxConns, settings.MinConns, settings.MinIdleConns = flights+retries, 0, 0
	if s.writer, err = pgxpool.NewWithConfig(ctx, settings); err != nil {
		s.pool.Close()
		return nil, explain(s.name, err)
	}
	if err := s.migrate(ctx); err != nil {
		s.pool.Close()
		s.writer.Close()
		return nil, explain(s.name, err)
	}
	s.close = sync.OnceValue(s.end)
	for range flights {
		s.writing.Go(s.writeBatches)
	}
	return s, nil
}

// Close writes what is queued, waits for the calls in progress, and closes the
// connections. Calls that wait for capacity in the queue fail with store.ErrClosed. The
// error is that of an append at store.DurabilityNone that could not be written.
func (s *Store) Close() error { return s.close() }

func (s *Store) end() error {
	s.queue.Close()
	s.writing.Wait()
	s.using.Lock()
	s.closed = true
	s.using.Unlock()
	s.writer.Close()
	s.pool.Close()
	return errors.Join(s.unawaited.Lost()...)
}

// use makes Close wait for a call until done is called. timeout bounds the call.
func (s *Store) use(ctx context.Context, timeout time.Duration) (_ context.Context, done func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	s.using.RLock()
	if s.closed {
		s.using.RUnlock()
		return nil, nil, store.ErrClosed
	}
	bounded, cancel := context.WithTimeout(ctx, timeout)
	return bounded, func() { cancel(); s.using.RUnlock() }, nil
}
