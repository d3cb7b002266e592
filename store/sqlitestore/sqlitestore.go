package sqlitestore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/internal/group"
)

// Config configures a Store. The zero value is a usable configuration.
type Config struct {
	// Durability returns the level of a room by its name. It is called from any
	// goroutine. Nil: all rooms are at store.DurabilityFsync.
	Durability func(room string) store.Durability
	// Queue is how many bytes may wait to be written, including those that are being
	// written. Entries of 64 KiB or more have one half of it, and others the other half. Calls
	// block while that is full. Zero: 32 MiB.
	Queue int
	// LockWait is how long a call waits while another process keeps the file
	// locked. Zero: 10 s.
	LockWait time.Duration
	// Webhooks returns the names of the webhooks of a room that want an event: see
	// store.Notices. It is called by the goroutine that writes. Nil: there are none.
	Webhooks store.Webhooks
	// Events are called for metrics.
	Events Events
	// Shared says that other processes may use the file, too: this one is a worker of a
	// layer, or only copies rooms. Unless it is set, the Store logs other processes that
	// have the file open without it.
	Shared bool
	// Logger logs these processes. Nil: slog.Default().
	Logger *slog.Logger
}

const (
	defaultQueue    = 32 << 20
	defaultLockWait = 10 * time.Second
	checkpointPages = 1000     // pages of 4 KiB in the write-ahead log after which it is written back into the file
	logLimit        = 64 << 20 // the size in bytes to which a longer write-ahead log is truncated
)

// Store is a store.Store that supports all methods. It must be closed.
type Store struct {
	path   string
	config Config
	reads  reads
	queue  *group.Queue[*request]
	writer writer

	unawaited group.Unawaited
	reading   sync.RWMutex  // read-locked by reads, so that Close can wait for them
	written   chan struct{} // closed once the writer has ended
	others    *others       // nil: Config.Shared
	close     func() error
}

var _ store.Store = (*Store)(nil)

// Open opens the file at path, and creates it if it doesn't exist. Its directory must
// exist. Only the user of the process may read and write a file that Open creates, and
// its -wal and -shm files; the permissions of a file that exists are not changed. A file
// of an older version is migrated; processes of older versions can't write to it any more.
// The error says what an operator can do about it.
func Open(path string, config Config) (*Store, error) {
	if config.Durability == nil {
		config.Durability = func(string) store.Durability { return store.DurabilityFsync }
	}
	if config.Queue == 0 {
		config.Queue = defaultQueue
	}
	if config.LockWait == 0 {
		config.LockWait = defaultLockWait
	}
	if err := checkPath(path); err != nil {
		return nil, err
	}
	createPrivate(path)
	s := &Store{path: path, config: config, queue: group.NewQueue[*request](config.Queue, group.CommitDelay), written: make(chan struct{})}
	var err error
	if s.writer, err = openWriter(path, config.LockWait); err != nil {
		return nil, explain(path, config.LockWait, err)
	}
	s.writer.webhooks = config.Webhooks
	if s.reads, err = openReads(path, config.LockWait); err != nil {
		return nil, errors.Join(explain(path, config.LockWait, err), s.writer.close())
	}
	s.close = sync.OnceValue(s.end)
	if !config.Shared {
		s.others = findOthers(path, cmp.Or(config.Logger, slog.Default()))
	}
	go s.writeBatches()
	return s, nil
}

// checkPath returns an error for a path for which SQLite's own error would say too
// little.
func checkPath(path string) error {
	if path == "" {
		return errors.New("sqlitestore: the path is empty: name a file, such as yroom.db")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("sqlitestore: %s is a directory: name a file in it, such as %s", path, filepath.Join(path, "yroom.db"))
	}
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("sqlitestore: the directory %s is missing: create it, or name another file: %w", dir, err)
	case err != nil:
		return fmt.Errorf("sqlitestore: the directory %s can't be read: let the user that yroom runs as read it: %w", dir, err)
	case !info.IsDir():
		return fmt.Errorf("sqlitestore: %s is not a directory: name another file", dir)
	}
	return nil
}

// createPrivate creates the file at path if it doesn't exist, because SQLite would let
// other users read it. SQLite gives its -wal and -shm files the same permissions. If
// createPrivate fails, SQLite's error says why. A file that exists isn't opened: closing
// it would end the locks that this process has on it.
func createPrivate(path string) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names it
	if err == nil {
		_ = file.Close() // nothing was written
	}
}

// Modes of SQLite in which a file is opened.
const (
	readOnly  = "ro"
	readWrite = "rwc" // the file is created if it doesn't exist
)

// openDB returns a pool of connections, none of which is open yet.
func openDB(path string, wait time.Duration, mode string, pragmas ...string) (*sql.DB, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	whole = filepath.ToSlash(whole)
	if !strings.HasPrefix(whole, "/") { // it begins with a drive letter
		whole = "/" + whole
	}
	query := url.Values{"mode": {mode}, "_error_rc": {"1"}, "_pragma": append(pragmas,
		fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()),
		"cell_size_check(1)",
	)}
	connector, err := sqlite.NewConnector("file://" + (&url.URL{Path: whole}).EscapedPath() + "?" + query.Encode())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// Close writes what is queued, waits for the calls in progress, and closes the file.
// Calls that wait for capacity in the queue fail with store.ErrClosed. If no other
// process uses the file, it then holds everything, and -wal and -shm are removed. The
// error is that of an append at store.DurabilityNone that could not be written, or the
// reason why the file doesn't hold everything. Appends that have returned nil at other
// levels are not affected.
func (s *Store) Close() error { return s.close() }

func (s *Store) end() error {
	s.queue.Close()
	<-s.written
	s.reading.Lock() // the reads have ended
	defer s.reading.Unlock()
	errs := append(s.unawaited.Lost(), s.reads.close())
	if err := s.writer.checkpoint(context.Background()); err != nil && !errors.Is(err, errBusy) {
		errs = append(errs, fmt.Errorf("keep %s-wal with the file, it holds the newest updates: %w",
			s.path, explain(s.path, s.config.LockWait, err)))
	}
	errs = append(errs, s.writer.close())
	if s.others != nil {
		errs = append(errs, s.others.close())
	}
	return errors.Join(errs...)
}
