package sqlitestore

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/yroom/yroom/store"
)

const busy = sqlite3.SQLITE_BUSY

// code returns the primary result code of SQLite in err, 0 if there is none.
func code(err error) int { return extendedCode(err) & 0xff }

func extendedCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code()
	}
	return 0
}

// isDamage reports whether err means that stored data can't be read.
func isDamage(err error) bool {
	c := code(err)
	return c == sqlite3.SQLITE_CORRUPT || c == sqlite3.SQLITE_NOTADB
}

// isAnswer reports whether err is the answer to one call and not a fault, so that the
// transaction can continue.
func isAnswer(err error) bool {
	for _, answer := range []error{store.ErrNotFound, store.ErrDeleted, store.ErrExists, store.ErrConflict} {
		if errors.Is(err, answer) {
			return true
		}
	}
	return false
}

// explain wraps a fault of the file at path in an error that says what the operator can
// do.
func explain(path string, wait time.Duration, err error) error {
	var advice string
	switch code(err) {
	case sqlite3.SQLITE_FULL:
		advice = "the disk is full: free some space, and the store continues by itself"
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		advice = fmt.Sprintf("another process has kept it locked for more than %v: end that process's transaction", wait)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		advice = "it can't be written to: let the user that yroom runs as write to the file and to the directory " + filepath.Dir(path)
	case sqlite3.SQLITE_CANTOPEN:
		advice = "it can't be opened: files beside it are needed too, so let the user that yroom runs as write to the directory " + filepath.Dir(path)
	case sqlite3.SQLITE_NOTADB:
		advice = "it is not an SQLite database: name another file, or restore a backup"
	case sqlite3.SQLITE_CORRUPT:
		advice = "it is damaged: stop yroom, keep a copy, and restore a backup or try .recover of the sqlite3 shell"
	case sqlite3.SQLITE_IOERR:
		advice = "reading or writing it failed: look for a full or failing disk in the system's log; once that is repaired, the store continues by itself"
	case sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOLFS:
		advice = "its file system does not lock files as SQLite needs it: put it on a local disk"
	case sqlite3.SQLITE_TOOBIG:
		return fmt.Errorf("sqlitestore: %s: %w: it is larger than SQLite can store, which is 1 GB: %w", path, store.ErrInvalid, err)
	default:
		return fmt.Errorf("sqlitestore: %s: %w", path, err)
	}
	return fmt.Errorf("sqlitestore: %s: %s: %w", path, advice, err)
}
