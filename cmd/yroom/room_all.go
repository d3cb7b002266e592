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
// while the copy was made, or couldn't be read, its file is missing. Until all rooms were
// listed, the names are in another file, so that a part of a copy isn't taken for all of it.
const (
	namesFile      = "rooms"
	unfinishedFile = "rooms.incomplete"
)

func updateFile(folder string, n int) string {
	return filepath.Join(folder, strconv.Itoa(n)+".update")
}

// isFile reports whether there is a file of this name in a folder.
func isFile(folder, name string) bool {
	info, err := os.Stat(filepath.Join(folder, name))
	return err == nil && info.Mode().IsRegular()
}

// exportAll copies all rooms into a folder, which must not exist yet or be empty. It goes on
// if a room can't be read.
func exportAll(ctx context.Context, client *apiClient, folder string, report *roomReport, list func(each func(room string) error) error) error {
	if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	names, err := createNames(folder)
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
		return exportTo(ctx, client, room, updateFile(folder, n), report)
	})
	if err := errors.Join(err, out.Flush(), names.Close()); err != nil {
		return err
	}
	if err := os.Rename(names.Name(), filepath.Join(folder, namesFile)); err != nil {
		return err
	}
	if err := report.err(); err != nil {
		return fmt.Errorf("%w: the copy lacks them", err)
	}
	return nil
}

// createNames creates the file for the names of the rooms of a copy in a folder.
func createNames(folder string) (*os.File, error) {
	copied := fmt.Errorf("%s has a copy already: name another folder", folder)
	if isFile(folder, namesFile) {
		return nil, copied
	}
	names, err := os.OpenFile(filepath.Join(folder, unfinishedFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the operator names it
	if errors.Is(err, os.ErrExist) {
		return nil, copied
	}
	return names, err
}

// exportTo copies the document of a room into a file. It reports a room that can't be read,
// and returns an error only if the others can't be copied either.
func exportTo(ctx context.Context, client *apiClient, room, path string, report *roomReport) error {
	resp, err := client.do(ctx, http.MethodGet, roomAddress(room)+"?format=update", nil, nil)
	if failed, ok := errors.AsType[exitError](err); ok && failed.status == exitRoom {
		return nil // it was deleted since it was listed, or nothing was ever written to it
	}
	if err == nil {
		defer func() { _ = resp.Body.Close() }()
		from := &failing{Reader: resp.Body}
		if err := writeFile(path, from); err != nil && from.err == nil {
			return err
		}
		err = from.err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	report.add(room, err)
	return nil
}

// failing keeps the error of a reader, so that it can be told from one of what it is copied to.
type failing struct {
	io.Reader

	err error // nil at the end
}

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// errSkipped means that a room exists already, and only new rooms are created.
var errSkipped = errors.New("the room exists")

// roomReport prints how the import or the export of each of several rooms has ended: the names
// of those that succeeded to stdout, and what became of the others to stderr.
type roomReport struct {
	stdout, stderr io.Writer
	done           string // what is done with the rooms: imported or exported
	all, failed    int
}

// add adds a room with the result of its import or export.
func (r *roomReport) add(room string, err error) {
	r.all++
	switch {
	case errors.Is(err, errSkipped):
		fmt.Fprintf(r.stderr, "%q exists\n", room)
	case err != nil:
		r.failed++
		fmt.Fprintf(r.stderr, "%q was not %s: %v\n", room, r.done, err)
	default:
		fmt.Fprintln(r.stdout, room)
	}
}

// err returns an error if a room has failed.
func (r *roomReport) err() error {
	if r.failed == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d rooms were not %s", r.failed, r.all, r.done)
}

// importAll imports the rooms of a folder. It goes on if one can't be imported.
func importAll(folder string, report *roomReport, send func(room string, update *os.File, size int64) error) error {
	names, err := os.Open(filepath.Join(folder, namesFile)) //nolint:gosec // the operator names it
	if errors.Is(err, os.ErrNotExist) && isFile(folder, unfinishedFile) {
		return fmt.Errorf("%s has an unfinished copy: export it again into another folder", folder)
	}
	if err != nil {
		return fmt.Errorf("this folder was not written by yroom room export --all: %w", err)
	}
	defer func() { _ = names.Close() }()
	lines := bufio.NewScanner(names)
	for n := 1; lines.Scan(); n++ {
		room := lines.Text()
		err := importFile(updateFile(folder, n), func(f *os.File, size int64) error { return send(room, f, size) })
		if errors.Is(err, os.ErrNotExist) {
			fmt.Fprintf(report.stderr, "%q has no document in the copy\n", room)
			continue
		}
		report.add(room, err)
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
