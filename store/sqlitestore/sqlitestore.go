// Package sqlitestore keeps rooms in one SQLite file.
//
// Several processes of one machine may use a file at once; a network file
// system will not do. While a file is in use, the files FILE-wal and FILE-shm
// beside it belong to it; copy it with the sqlite3 shell (.backup, or VACUUM
// INTO), not as a file. No other code of the process may open and close the
// file, because that takes SQLite's locks away.
package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"modernc.org/sqlite"

	"github.com/yroom/yroom/store"
)

// Config says how a Store behaves. The zero value is useful.
type Config struct {
	// Durability gives the level of a room by its name. It is called from any
	// goroutine. Nil: all rooms are store.Fsync.
	Durability func(room string) store.Durability
	// Queue is how many bytes may wait to be written, what is being written
	// included; past it calls block. Zero: 32 MiB.
	Queue int
	// LockWait is how long a call waits for another process that keeps the file
	// locked. Zero: 10 s.
	LockWait time.Duration
}

const (
	defaultQueue    = 32 << 20
	defaultLockWait = 10 * time.Second
	checkpointPages = 1000     // of 4 KiB, after which the log is written back into the file
	logLimit        = 64 << 20 // bytes to which the log's file is cut when it was longer
)

// Store is a store.Store, a store.Creator, a store.Deleter and a store.Lister. It
// must be closed.
type Store struct {
	path   string
	config Config
	read   *sql.DB
	queue  queue
	writer writer

	using   sync.RWMutex // held for reading by loads, so that Close can wait for them
	close   func() error
	written chan struct{} // closed once the writer has ended

	mu        sync.Mutex
	unawaited map[string]error // rooms at level None that exist, and what the last append that nobody waited for met
	free      span             // positions that this Store may give out
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Creator = (*Store)(nil)
	_ store.Deleter = (*Store)(nil)
	_ store.Lister  = (*Store)(nil)
)

// Open opens the file at path, and makes it where there is none. Its directory
// must be there. A file of an older version is brought up to date. The error says
// what an operator can do about it.
func Open(path string, config Config) (*Store, error) {
	if config.Durability == nil {
		config.Durability = func(string) store.Durability { return store.Fsync }
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
	s := &Store{path: path, config: config, written: make(chan struct{}), unawaited: map[string]error{}}
	s.queue.init(config.Queue)
	var err error
	if s.writer, err = openWriter(path, config.LockWait); err != nil {
		return nil, explain(path, config.LockWait, err)
	}
	if s.read, err = openDB(path, config.LockWait, "query_only(1)"); err != nil {
		return nil, errors.Join(explain(path, config.LockWait, err), s.writer.close())
	}
	s.read.SetMaxOpenConns(max(4, runtime.GOMAXPROCS(0)))
	s.close = sync.OnceValue(s.end)
	go s.run()
	return s, nil
}

// checkPath says what is wrong with path where SQLite's own errors are vague.
func checkPath(path string) error {
	if path == "" {
		return errors.New("sqlitestore: no file is named: name one, such as yroom.db")
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("sqlitestore: %s is a directory: name a file in it, such as %s", path, filepath.Join(path, "yroom.db"))
	}
	dir := filepath.Dir(path)
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("sqlitestore: the directory %s is missing: make it, or name another file: %w", dir, err)
	case err != nil:
		return fmt.Errorf("sqlitestore: the directory %s can't be looked into: let the user that yroom runs as do so: %w", dir, err)
	case !info.IsDir():
		return fmt.Errorf("sqlitestore: %s is not a directory: name another file", dir)
	}
	return nil
}

// openDB gives a pool of connections, none of which is open yet.
func openDB(path string, wait time.Duration, pragmas ...string) (*sql.DB, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	whole = filepath.ToSlash(whole)
	if !strings.HasPrefix(whole, "/") { // a drive's letter
		whole = "/" + whole
	}
	query := url.Values{"_error_rc": {"1"}, "_pragma": append(pragmas,
		fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds()),
		"cell_size_check(1)",
	)}
	connector, err := sqlite.NewConnector("file://" + (&url.URL{Path: whole}).EscapedPath() + "?" + query.Encode())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// Close writes what waits, and ends what the Store has begun. Calls that wait for
// room in the queue fail. When no other process uses the file, it holds
// everything, and the files beside it are gone. The error is what an append at
// level None met, or what kept the file from holding everything; no other append
// is concerned.
func (s *Store) Close() error { return s.close() }

func (s *Store) end() error {
	s.queue.close()
	<-s.written
	s.using.Lock() // loads have ended
	defer s.using.Unlock()
	var errs []error
	for room, err := range s.unawaited {
		if err != nil {
			errs = append(errs, fmt.Errorf("an update of room %q was lost: %w", room, err))
		}
	}
	errs = append(errs, s.read.Close())
	if err := s.writer.checkpoint(context.Background()); err != nil && !errors.Is(err, errBusy) {
		errs = append(errs, fmt.Errorf("keep %s-wal with the file, it holds the newest updates: %w",
			s.path, explain(s.path, s.config.LockWait, err)))
	}
	return errors.Join(append(errs, s.writer.close())...)
}
