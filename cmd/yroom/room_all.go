package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// A folder with a copy of all rooms has the names of the rooms in the file "rooms", one a
// line, and the document of the Nth of them in N.update, in V1. If a room was deleted
// while the copy was made, its file is missing.
const namesFile = "rooms"

func updateFile(folder string, n int) string {
	return filepath.Join(folder, strconv.Itoa(n)+".update")
}

// exportAll copies all rooms into a folder, which must not exist yet or be empty.
func exportAll(ctx context.Context, client *apiClient, folder string, list func(each func(room string) error) error) (err error) {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	names, err := os.OpenFile(filepath.Join(folder, namesFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names it
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s has a copy already: name another folder", folder)
	}
	if err != nil {
		return err
	}
	out := bufio.NewWriter(names)
	n := 0
	err = list(func(room string) error {
		n++
		if _, err := fmt.Fprintln(out, room); err != nil {
			return err
		}
		resp, err := client.do(ctx, http.MethodGet, roomAddress(room)+"?format=update", nil, nil)
		if failed, ok := errors.AsType[exitError](err); ok && failed.status == exitRoom {
			return nil // it was deleted since it was listed, or nothing was ever written to it
		}
		if err != nil {
			return fmt.Errorf("%q: %w", room, err)
		}
		defer func() { _ = resp.Body.Close() }()
		return writeFile(updateFile(folder, n), resp.Body)
	})
	return errors.Join(err, out.Flush(), names.Close())
}

// errSkipped means that a room exists already, and only new rooms are created.
var errSkipped = errors.New("the room exists")

// importReport prints how the import of each of several rooms has ended: the names of those
// that were imported to stdout, and what became of the others to stderr.
type importReport struct {
	stdout, stderr io.Writer
	all, failed    int
}

// add adds a room, which send has sent with this result.
func (r *importReport) add(room string, err error) {
	r.all++
	switch {
	case errors.Is(err, errSkipped):
		fmt.Fprintf(r.stderr, "%q exists\n", room)
	case err != nil:
		r.failed++
		fmt.Fprintf(r.stderr, "%q was not imported: %v\n", room, err)
	default:
		fmt.Fprintln(r.stdout, room)
	}
}

// err returns an error if an import has failed.
func (r *importReport) err() error {
	if r.failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d rooms were not imported", r.failed, r.all)
}

// importAll imports the rooms of a folder. It goes on if one can't be imported.
func importAll(folder string, report *importReport, send func(room string, update *os.File, size int64) error) error {
	names, err := os.Open(filepath.Join(folder, namesFile)) //nolint:gosec // the operator names it
	if err != nil {
		return fmt.Errorf("this folder was not written by yroom room export --all: %w", err)
	}
	defer func() { _ = names.Close() }()
	lines := bufio.NewScanner(names)
	for n := 1; lines.Scan(); n++ {
		room := lines.Text()
		err := importFile(updateFile(folder, n), func(f *os.File, size int64) error { return send(room, f, size) })
		if !errors.Is(err, os.ErrNotExist) { // the room had no document
			report.add(room, err)
		}
	}
	return errors.Join(lines.Err(), report.err())
}

func importFile(path string, send func(f *os.File, size int64) error) error {
	f, err := os.Open(path) //nolint:gosec // it is in the folder that the operator names
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	return send(f, info.Size())
}
