package pgstore

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/yroom/yroom/store"
)

// sqlState returns the code of PostgreSQL in err, "" if there is none.
func sqlState(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	return ""
}

// Codes of PostgreSQL, see its documentation, "PostgreSQL Error Codes".
const (
	lockNotAvailable = "55P03"
	queryCanceled    = "57014" // by statement_timeout, or by an operator
	undefinedTable   = "42P01"
)

// isLocked reports whether a room was locked for too long.
func isLocked(err error) bool { return sqlState(err) == lockNotAvailable }

// isTimeout reports whether err means that the database took too long.
func isTimeout(err error) bool {
	return isLocked(err) || sqlState(err) == queryCanceled || errors.Is(err, context.DeadlineExceeded)
}

// mayDivide reports whether a batch that was rolled back because of err can succeed in
// parts, because err concerns only some of its rooms or entries, or its size.
func mayDivide(err error) bool {
	if errors.Is(err, errUnknown) {
		return false
	}
	state := sqlState(err)
	if state == lockNotAvailable || state == queryCanceled {
		return true
	}
	for _, class := range []string{
		"22", // data exceptions
		"23", // violations of a constraint
		"40", // rollbacks, as after a deadlock
		"54", // limits of PostgreSQL that were exceeded
		"P0", // triggers
		"XX", // damaged pages
	} {
		if strings.HasPrefix(state, class) {
			return true
		}
	}
	return state == "53200" // out of memory
}

// isAnswer reports whether err is the answer to one call and not a fault.
func isAnswer(err error) bool {
	for _, answer := range []error{
		store.ErrNotFound, store.ErrDeleted, store.ErrExists, store.ErrConflict, store.ErrCorrupt, store.ErrClosed,
	} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// failed returns the error of a call that ended with err.
func (s *Store) failed(ctx context.Context, err error) error { return failed(ctx, s.name, err) }

// failed returns the error of a call of the database with this name that ended with err.
func failed(ctx context.Context, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return explain(name, err)
}

// explain wraps a fault of the database in an error that says what the operator can do.
func explain(name string, err error) error {
	if isAnswer(err) {
		return err
	}
	advice := adviceFor(err)
	if advice == "" {
		return fmt.Errorf("pgstore: %s: %w", name, err)
	}
	if strings.HasPrefix(sqlState(err), "XX00") {
		return fmt.Errorf("pgstore: %s: %w: %s: %w", name, store.ErrCorrupt, advice, err)
	}
	return fmt.Errorf("pgstore: %s: %s: %w", name, advice, err)
}

// adviceFor returns what the operator can do about err.
func adviceFor(err error) string {
	state := sqlState(err)
	switch state {
	case "28000", "28P01":
		return "it refuses the user or the password: check both in the address of the store"
	case "3D000":
		return "there is no such database: create it, or name another one in the address of the store"
	case "42501":
		return "the user lacks a privilege: run GRANT CREATE ON DATABASE for it, or let it own the schema yroom"
	case undefinedTable, "3F000":
		return "a table of the schema yroom is missing: restore a backup, or restart yroom to create an empty schema"
	case "25006":
		return "it is read-only, as a standby is: name the primary in the address of the store"
	case "53100":
		return "its disk is full: free some space, and the store continues by itself"
	case "53300":
		return "it has too many connections: raise its max_connections, lower pool_max_conns in the address of the store, or use a pooler"
	case "57P01", "57P02", "57P03":
		return "it is stopping or starting; the store continues by itself"
	case lockNotAvailable:
		return "another transaction keeps the room or its table locked: find it in pg_stat_activity and end it"
	case queryCanceled:
		return "it took too long: check its load, its disk, and the locks in pg_stat_activity"
	case "XX001", "XX002":
		return "it is damaged: keep a copy, and restore a backup"
	}
	var refused *pgconn.ConnectError
	switch {
	case strings.HasPrefix(state, "58"):
		return "it can't read or write a file: read its log"
	case state != "":
		return ""
	case strings.Contains(err.Error(), "read only connection"): // pgx has no error value for this
		return adviceFor(&pgconn.PgError{Code: "25006"})
	case errors.Is(err, context.DeadlineExceeded):
		return "it did not answer in time: check the database and the network; the store continues by itself"
	case errors.As(err, &refused):
		return "it can't be reached: check that it runs, and the address of the store; the store continues by itself"
	}
	return ""
}
