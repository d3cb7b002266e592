package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/yroom/yroom/store/djangostore"
)

type backupCmd struct {
	File   string `arg:""             help:"The file to write, which must not exist."`
	Store  string `placeholder:"URL"  help:"The store, sqlite:FILE or sqlite+django:FILE (default: that of the settings file, or sqlite:yroom.db)."`
	Config string `placeholder:"FILE" help:"Settings file (default: yroom.yaml, if there is one)."`
}

// Run writes a copy of the SQLite file, as it is at one moment. A server may use it
// meanwhile. The store of a Django app has two files: its database, and the log beside it. The
// log is copied last, so that it has everything that the copy of the database has.
func (b backupCmd) Run(e environment) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	store, err := oneStore(b.Store, b.Config, "copy", e.stderr)
	if err != nil {
		return err
	}
	plain, django := cutDjango(store)
	path, isFile := strings.CutPrefix(plain, "sqlite:")
	switch {
	case isPostgres(store):
		return errors.New("a PostgreSQL database has tools of its own: use pg_dump, or copy the documents with yroom room export --all")
	case !isFile:
		return fmt.Errorf("only an SQLite file can be backed up, not %s", scheme(store))
	}
	suffixes := []string{""}
	if django {
		suffixes = append(suffixes, djangostore.LogSuffix)
	}
	for _, suffix := range suffixes {
		switch _, err := os.Stat(path + suffix); {
		case err != nil && suffix != "":
			return fmt.Errorf("there is no log beside the database, which yroom worker makes when it first starts with this store: %w", err)
		case err != nil:
			return fmt.Errorf("there is no store: %w: name one with --store", err)
		}
	}
	for i, suffix := range suffixes {
		if err := backUp(ctx, path+suffix, b.File+suffix); err != nil {
			for _, copied := range suffixes[:i] {
				err = errors.Join(err, os.Remove(b.File+copied))
			}
			return err
		}
	}
	_, err = fmt.Fprintf(e.stdout, "%s was copied to %s.\n", store, b.File)
	return err
}

// backUp copies the SQLite file at from to the new file at to. If it fails, it leaves no
// file.
func backUp(ctx context.Context, from, to string) (err error) {
	// SQLite would create the file for all users of the machine to read. It takes an empty one.
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s exists: name a new file for the copy; --store names the store", to)
	}
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, file.Close()); err != nil {
			err = errors.Join(err, os.Remove(to))
		}
	}()
	db, err := openReadOnly(from)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?", to); err != nil {
		return fmt.Errorf("the file was not copied: %w", err)
	}
	return file.Sync()
}

// openReadOnly opens an SQLite file that another process may be using.
func openReadOnly(path string) (*sql.DB, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	return sql.Open("sqlite", "file://"+(&url.URL{Path: filepath.ToSlash(whole)}).EscapedPath()+"?mode=ro&_pragma=busy_timeout(20000)")
}
