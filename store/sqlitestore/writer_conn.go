package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/yroom/yroom/store"
)

// writer is the one connection that writes. It belongs to one goroutine.
type writer struct {
	db         *sql.DB
	conn       *sql.Conn // nil if the next transaction must open one
	statements map[string]*sql.Stmt
	level      store.Durability // the level at which the connection commits
	rewrite    bool             // the write-ahead log must be written back before the next transaction

	webhooks store.Webhooks

	rooms   map[string]roomRow // rows of rooms, valid for the version below
	version uint32             // see dataVersion
}

func openWriter(path string, wait time.Duration) (writer, error) {
	db, err := openDB(path, wait, readWrite,
		"synchronous(FULL)",
		"fullfsync(1)", "checkpoint_fullfsync(1)", // needed only on macOS to survive a power loss
		fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages),
		fmt.Sprintf("journal_size_limit(%d)", logLimit),
	)
	if err != nil {
		return writer{}, err
	}
	db.SetMaxOpenConns(1)
	w := writer{db: db}
	ctx := context.Background()
	if err = w.connect(ctx); err == nil {
		err = prepare(ctx, w.conn, wait)
	}
	if err != nil {
		return writer{}, errors.Join(err, w.close())
	}
	return w, nil
}

func (w *writer) connect(ctx context.Context) (err error) {
	if w.conn == nil {
		w.conn, err = w.db.Conn(ctx)
		w.statements = map[string]*sql.Stmt{}
		w.level = store.DurabilityFsync
	}
	return err
}

func (w *writer) close() error {
	if w.conn == nil {
		return w.db.Close()
	}
	return errors.Join(w.finalize(), w.conn.Close(), w.db.Close())
}

// finalize closes the statements, because closing a connection doesn't: a
// statement that is left open keeps the file open.
func (w *writer) finalize() error {
	var errs []error
	for _, stmt := range w.statements {
		errs = append(errs, stmt.Close())
	}
	w.statements = nil
	return errors.Join(errs...)
}

// drop rolls back and closes the connection, in whatever state err has left it.
// The next transaction opens another.
func (w *writer) drop(err error) {
	if c := extendedCode(err); c == sqlite3.SQLITE_IOERR_FSYNC || c == sqlite3.SQLITE_IOERR_DIR_FSYNC {
		// The system may have dropped parts of the write-ahead log that were written earlier.
		// SQLite reads the log up to the first damaged part, so transactions after it would
		// be lost. So the log is written back before the next one.
		w.rewrite = true
	}
	w.rooms = nil // the changes of the transaction may be rolled back
	if w.conn == nil {
		return
	}
	_ = w.finalize()                                            // err is the cause
	_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK") // there may be no open transaction
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
	w.conn = nil
}

// prepare parses query, once per connection.
func (w *writer) prepare(query string) error {
	if w.statements[query] != nil {
		return nil
	}
	stmt, err := w.conn.PrepareContext(context.Background(), query) //nolint:sqlclosecheck // finalize closes it
	if err == nil {
		w.statements[query] = stmt
	}
	return err
}

// exec runs query.
func (w *writer) exec(query string, args ...any) error {
	if err := w.prepare(query); err != nil {
		return err
	}
	_, err := w.statements[query].ExecContext(context.Background(), args...)
	return err
}

// change runs query and returns how many rows it has changed.
func (w *writer) change(query string, args ...any) (rows int64, err error) {
	if err := w.prepare(query); err != nil {
		return 0, err
	}
	result, err := w.statements[query].ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// scan runs query and reads the one row that it returns.
func (w *writer) scan(query string, args []any, into ...any) error {
	if err := w.prepare(query); err != nil {
		return err
	}
	return w.statements[query].QueryRowContext(context.Background(), args...).Scan(into...)
}

// notice runs query and reads the one notice that it returns.
func (w *writer) notice(query string, args ...any) (store.Notice, error) {
	if err := w.prepare(query); err != nil {
		return store.Notice{}, err
	}
	return scanNotice(w.statements[query].QueryRowContext(context.Background(), args...))
}

// begin starts a transaction that commits at level.
func (w *writer) begin(level store.Durability) (err error) {
	defer func() {
		if err != nil {
			w.drop(err)
		}
	}()
	ctx := context.Background()
	if err := w.connect(ctx); err != nil {
		return err
	}
	if w.rewrite {
		if err := w.checkpoint(ctx); err != nil {
			return err
		}
		w.rewrite = false
	}
	if level != w.level {
		mode := "PRAGMA synchronous = NORMAL"
		if level == store.DurabilityFsync {
			mode = "PRAGMA synchronous = FULL"
		}
		if _, err := w.conn.ExecContext(ctx, mode); err != nil {
			return err
		}
		w.level = level
	}
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	version, err := w.dataVersion()
	if version != w.version {
		w.rooms = nil
	}
	return err
}

// commit ends the transaction.
func (w *writer) commit() error {
	if err := w.exec("COMMIT"); err != nil {
		w.drop(err)
		return err
	}
	version, err := w.dataVersion()
	if err != nil {
		w.rooms = nil
	}
	w.version = version
	return nil
}

// dataVersion returns a number that changes with each transaction of this connection, and at the
// begin of a transaction if another connection has written since the last one. PRAGMA data_version
// says the same, but is a query.
func (w *writer) dataVersion() (version uint32, err error) {
	err = w.conn.Raw(func(conn any) (err error) {
		version, err = conn.(sqlite.FileControl).FileControlDataVersion("main")
		return err
	})
	return version, err
}

// errBusy means that a checkpoint could not finish.
var errBusy = errors.New("another process reads the file")

// checkpoint writes the whole write-ahead log back into the file and empties it.
func (w *writer) checkpoint(ctx context.Context) error {
	if err := w.connect(ctx); err != nil {
		return err
	}
	var blocked bool
	var pages, written int
	if err := w.conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&blocked, &pages, &written); err != nil {
		return err
	}
	if blocked {
		return errBusy
	}
	return nil
}
