package sqlitestore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/yroom/yroom/store"
)

// run writes what comes, until the queue is closed and empty: whatever waits
// goes into one transaction, so that many rooms share the cost of a commit.
func (s *Store) run() {
	defer close(s.written)
	for batch := s.queue.take(); batch != nil; batch = s.queue.take() {
		s.commit(batch)
		for _, r := range batch {
			if broken := damaged(r.err); r.err != nil && !refused(r.err) {
				if r.err = explain(s.path, s.config.LockWait, r.err); broken {
					r.err = corrupt(r.room, 0, r.err)
				}
			}
			s.learn(r)
			if r.done != nil {
				close(r.done)
			}
		}
		s.queue.release(batch)
	}
}

// commit does all of the batch and sets the errors of its requests. Where one
// of them brings the transaction down, each is tried in one of its own.
func (s *Store) commit(batch []*request) {
	if err := s.position(batch); err != nil {
		fail(batch, err)
		return
	}
	began, err := s.writer.transact(batch)
	if err == nil {
		return
	}
	if !began || len(batch) == 1 {
		fail(batch, err)
		return
	}
	for i, r := range batch {
		if began, err = s.writer.transact(batch[i : i+1]); !began {
			fail(batch[i:], err)
			return
		}
		if err != nil {
			r.err = err
		}
	}
}

func fail(batch []*request, err error) {
	for _, r := range batch {
		r.err = err
	}
}

// positionBlock is how many positions are reserved at once.
const positionBlock = 1_000_000

// position gives every entry of the batch its position.
func (s *Store) position(batch []*request) error {
	for _, r := range batch {
		for r.position == 0 && r.entry.Encoding.Valid() {
			s.mu.Lock()
			r.position = s.free.take()
			s.mu.Unlock()
			if r.position != 0 {
				break
			}
			end, err := s.writer.reserve()
			if err != nil {
				return err
			}
			s.mu.Lock()
			s.free = span{next: end - positionBlock + 1, end: end + 1}
			s.mu.Unlock()
		}
	}
	return nil
}

// writer is the one connection that writes. It belongs to one goroutine.
type writer struct {
	db         *sql.DB
	conn       *sql.Conn // nil: the next transaction needs a new one
	statements map[string]*sql.Stmt
	level      store.Durability // at which the connection commits
	rewrite    bool             // the log must be written back before anything is added to it
}

func openWriter(path string, wait time.Duration) (writer, error) {
	db, err := openDB(path, wait,
		"synchronous(FULL)",
		"fullfsync(1)", "checkpoint_fullfsync(1)", // macOS alone needs them to survive power loss
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
		w.level = store.Fsync
	}
	return err
}

func (w *writer) close() error {
	if w.conn == nil {
		return w.db.Close()
	}
	return errors.Join(w.finalize(), w.conn.Close(), w.db.Close())
}

// finalize closes the statements, which database/sql leaves to whoever has
// prepared them on a connection. One that is left open keeps the file open.
func (w *writer) finalize() error {
	var errs []error
	for _, stmt := range w.statements {
		errs = append(errs, stmt.Close())
	}
	w.statements = nil
	return errors.Join(errs...)
}

// drop rolls back and closes the connection: whatever state err has left it
// in, the next transaction finds a fresh one.
func (w *writer) drop(err error) {
	if c := extendedCode(err); c == sqlite3.SQLITE_IOERR_FSYNC || c == sqlite3.SQLITE_IOERR_DIR_FSYNC {
		// The system may have given up on parts of the log that it was told to write earlier. Nothing that comes
		// after them in the log would be found again, so what is in the log has to be written elsewhere first.
		w.rewrite = true
	}
	if w.conn == nil {
		return
	}
	_ = w.finalize()                                            // of a fault that is known already
	_, _ = w.conn.ExecContext(context.Background(), "ROLLBACK") // there may be nothing to roll back
	_ = w.conn.Raw(func(any) error { return driver.ErrBadConn })
	w.conn = nil
}

// prepare has the statement for query ready, which is parsed once per connection.
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

// exec runs query and gives the number of rows that it has changed.
func (w *writer) exec(query string, args ...any) (int64, error) {
	if err := w.prepare(query); err != nil {
		return 0, err
	}
	result, err := w.statements[query].ExecContext(context.Background(), args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// scan reads the row that query gives.
func (w *writer) scan(query string, args []any, into ...any) error {
	if err := w.prepare(query); err != nil {
		return err
	}
	return w.statements[query].QueryRowContext(context.Background(), args...).Scan(into...)
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
		if level == store.Fsync {
			mode = "PRAGMA synchronous = FULL"
		}
		if _, err := w.conn.ExecContext(ctx, mode); err != nil {
			return err
		}
		w.level = level
	}
	_, err = w.exec("BEGIN IMMEDIATE")
	return err
}

// transact does all of the batch in one transaction. A request that is refused
// has its answer as its error and changes nothing; any other error undoes all.
// began says whether a transaction could be had.
func (w *writer) transact(batch []*request) (began bool, err error) {
	level, idle := store.Commit, true
	for _, r := range batch {
		idle = idle && r.kind == flushing
		level = min(level, r.level)
	}
	if idle {
		return true, nil
	}
	if err := w.begin(level); err != nil {
		return false, err
	}
	for _, r := range batch {
		if r.err = w.apply(r); r.err != nil && !refused(r.err) {
			w.drop(r.err)
			return true, r.err
		}
	}
	if _, err := w.exec("COMMIT"); err != nil {
		w.drop(err)
		return true, err
	}
	return true, nil
}

// reserve takes a block of positions and gives the last of them. No crash may
// undo that, or positions would be given out twice.
func (w *writer) reserve() (end store.Position, err error) {
	if err := w.begin(store.Fsync); err != nil {
		return 0, err
	}
	err = w.scan("UPDATE positions SET reserved = reserved + ? RETURNING reserved", []any{positionBlock}, &end)
	if err == nil {
		_, err = w.exec("COMMIT")
	}
	if err != nil {
		w.drop(err)
	}
	return end, err
}

// errBusy stands for the answer of a checkpoint that others were in the way of.
var errBusy = errors.New("another process reads the file")

// checkpoint writes the whole log back into the file and empties it.
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
