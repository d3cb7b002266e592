package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/yroom/yroom/store"
)

// statement is a part of a transaction. scan, if it isn't nil, reads its rows.
type statement struct {
	sql  string
	args []any
	scan func(pgx.Rows) error
}

// limits bound a transaction.
type limits struct {
	timeout time.Duration // of a statement
	lock    time.Duration // of waiting for the row of a room
}

// grace is how much later than the server this side ends a transaction. It lets the
// server's error arrive, which says that the transaction was rolled back.
const grace = time.Second

// errUnknown means that a transaction may or may not have been committed.
var errUnknown = errors.New("the connection was lost before the database answered, so the change may or may not be stored")

// transact runs statements in a transaction that commits at level. All are sent at
// once, so the rows of rooms are not locked while this side waits for the network or is
// stopped. Each statement sees what was committed before it began. An error that wraps
// errUnknown says that the transaction may have been committed.
func transact(ctx context.Context, pool *pgxpool.Pool, level store.Durability, bounds limits, statements ...statement) error {
	ctx, cancel := context.WithTimeout(ctx, bounds.timeout+grace)
	defer cancel()
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release() // it closes a connection whose transaction has failed
	var batch pgx.Batch
	batch.Queue("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
	batch.Queue("SELECT set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true), "+
		// A stricter setting of the server remains in force.
		"set_config('synchronous_commit', CASE WHEN $3 THEN 'off' WHEN current_setting('synchronous_commit') = 'off' THEN 'on' "+
		"ELSE current_setting('synchronous_commit') END, true)",
		milliseconds(bounds.timeout), milliseconds(bounds.lock), level != store.DurabilityFsync)
	for _, st := range statements {
		if queued := batch.Queue(st.sql, st.args...); st.scan != nil {
			queued.Query(st.scan)
		}
	}
	end := "nothing"
	batch.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		end = tag.String()
		return nil
	})
	err = conn.SendBatch(ctx, &batch).Close() // Close reads the results
	if err == nil && end != "COMMIT" {
		err = fmt.Errorf("COMMIT was answered with %s", end)
	}
	if err != nil && !isRollback(err) {
		err = fmt.Errorf("%w: %w", errUnknown, err)
	}
	return err
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// isRollback reports whether err says that the transaction was rolled back. A fatal
// error doesn't: it can follow the commit.
func isRollback(err error) bool {
	refused, ok := errors.AsType[*pgconn.PgError](err)
	return ok && refused.SeverityUnlocalized == "ERROR"
}
