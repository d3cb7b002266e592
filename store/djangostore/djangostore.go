package djangostore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

// Config configures a Store. The zero value is a usable configuration.
type Config struct {
	// Delay returns for how long a room must not have been changed before its row is written.
	// While changes continue, the row is written at the latest ten times that duration after the first of them. It
	// is called from any goroutine. Nil: a minute for all rooms.
	Delay func(room string) time.Duration
	// Logger logs rows that can't be written. Nil: slog.Default().
	Logger *slog.Logger
}

// log is a store that this package keeps the log in.
type log interface {
	store.Store
	store.Notices
	Close() error
}

// Store is a store.Store that supports all methods, and store.Notices. It must be closed.
type Store struct {
	log // of all rooms. Its methods that the Store doesn't have itself are those of store.Notices

	table  table
	config Config
	// changing is held while rows are written or removed, so that a room that is deleted meanwhile
	// doesn't get a row again.
	changing sync.Mutex

	unsaved unsaved
	stop    func() // ends the goroutine that writes rows
	saving  sync.WaitGroup
	swept   bool // owned by that goroutine until it has ended: see sweepLogged
	close   func() error
}

var (
	_ store.Store   = (*Store)(nil)
	_ store.Notices = (*Store)(nil)
)

// OpenPostgres opens the PostgreSQL database of a Django app at url, see pgstore.Open. The table
// must exist.
func OpenPostgres(ctx context.Context, url string, rooms pgstore.Config, config Config) (*Store, error) {
	log, err := pgstore.Open(ctx, url, rooms)
	if err != nil {
		return nil, err
	}
	return open(ctx, log, table{db: stdlib.OpenDBFromPool(log.Pool()), sql: inPostgres}, config)
}

// OpenSQLite opens the SQLite file of a Django app at path, in which the table must exist, and the
// file with the log beside it, see sqlitestore.Open.
func OpenSQLite(ctx context.Context, path string, rooms sqlitestore.Config, config Config) (*Store, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("djangostore: the SQLite file of the Django app can't be found: %w: name the file that DATABASES has in the settings of the app", err)
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.ToSlash(whole)}).EscapedPath()+"?mode=rw&_txlock=immediate&_pragma=busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	log, err := sqlitestore.Open(path+LogSuffix, rooms) //nolint:contextcheck // a local file needs none
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return open(ctx, log, table{db: db, sql: inSQLite}, config)
}

// LogSuffix follows the name of an SQLite file in the name of that with its log.
const LogSuffix = ".yroom"

func open(ctx context.Context, log log, t table, config Config) (*Store, error) {
	if config.Delay == nil {
		config.Delay = func(string) time.Duration { return time.Minute }
	}
	config.Logger = cmp.Or(config.Logger, slog.Default())
	s := &Store{log: log, table: t, config: config, unsaved: newUnsaved()}
	s.close = sync.OnceValue(s.end)
	if err := t.check(ctx); err != nil {
		return nil, errors.Join(err, t.db.Close(), log.Close())
	}
	saving, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.saving.Go(func() { s.saveRows(saving) })
	return s, nil
}

// Close writes the rows that have not been written yet, for ten seconds at most, and then closes the log.
func (s *Store) Close() error { return s.close() }

func (s *Store) end() error {
	s.stop()
	s.saving.Wait()
	s.saveRest()
	return errors.Join(s.table.db.Close(), s.log.Close())
}
