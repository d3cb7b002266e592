package sqlitestore

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	lookEvery = 2 * time.Second
	mostLines = 64 << 10 // the size of FILE-lock in bytes above which no process adds a line
)

var (
	errLocked  = errors.New("another process has locked it")
	errRemoved = errors.New("its owner has removed it")
)

// others finds the other Stores that have a file open, and logs them. The first Store
// locks FILE-lock and writes a line about itself into it. Every other Store can't lock it:
// it logs the first line and adds a line about itself, which the first Store logs. The
// system releases the lock when a process ends, even if it was killed. Then another Store
// takes the lock and replaces all lines, so no line of a process that has ended is logged.
type others struct {
	file string // of the rooms
	self []byte // the line about this Store, which begins with a random number
	log  *slog.Logger

	held   *os.File // FILE-lock while this Store has locked it
	logged int      // how many bytes of it were logged

	stop  chan struct{}
	ended sync.WaitGroup
}

// findOthers begins to look for other Stores that have the file open.
func findOthers(file string, log *slog.Logger) *others {
	if whole, err := filepath.Abs(file); err == nil {
		file = whole
	}
	host, _ := os.Hostname() // it only helps an operator
	o := &others{
		file: file,
		self: fmt.Appendf(nil, "%08x %s, process %d on %s, since %s\n", rand.Uint32(), filepath.Base(os.Args[0]), os.Getpid(), host,
			time.Now().UTC().Format(time.RFC3339)),
		log:  log,
		stop: make(chan struct{}),
	}
	if err := o.look(); err != nil {
		log.Warn("yroom can't find out whether another process has this SQLite file open. Make sure that none has.", "file", file, "error", err)
		return o
	}
	o.ended.Go(o.run)
	return o
}

// run looks again and again, until close.
func (o *others) run() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-o.stop:
			return
		case <-ticker.C:
			_ = o.look() // the next look may succeed
		}
	}
}

// close lets another Store take the lock. If this one has it, no file is left.
func (o *others) close() error {
	close(o.stop)
	o.ended.Wait()
	if o.held == nil {
		return nil
	}
	_ = o.look()                 // for what the last seconds have brought
	_ = os.Remove(o.held.Name()) // one that is left does no harm
	return o.held.Close()
}

// look takes the lock if no other Store has it, and logs Stores that it has not logged.
func (o *others) look() error {
	for o.held == nil {
		err := o.enter()
		switch {
		case errors.Is(err, errLocked):
			return nil
		case errors.Is(err, errRemoved):
		case err != nil:
			return err
		}
	}
	lines, err := readLines(o.held)
	if err != nil || len(lines) <= o.logged {
		return err
	}
	for line := range bytes.Lines(lines[o.logged:]) {
		o.warn(line)
	}
	o.logged = len(lines)
	return nil
}

// enter locks FILE-lock. If another Store has locked it, enter says so in the log, adds a
// line about this Store unless it is there, and returns errLocked.
func (o *others) enter() error {
	path := o.file + "-lock"
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, modeOf(o.file)) //nolint:gosec // it is beside the file that the operator names
	if err != nil {
		return err
	}
	err = lock(file)
	if err == nil {
		err = o.own(file, path)
	}
	if err == nil {
		o.held, o.logged = file, len(o.self)
		return nil
	}
	if errors.Is(err, errLocked) {
		err = errors.Join(err, o.join(file))
	}
	return errors.Join(err, file.Close())
}

// OpenedBy returns the process that has opened the SQLite file at path with Config.Shared false, as
// its line in FILE-lock describes it, or "" if there is none.
func OpenedBy(path string) (process string, err error) {
	file, err := os.OpenFile(path+"-lock", os.O_RDWR, 0) //nolint:gosec // it is beside the file that the operator names
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }() // which unlocks it
	if err := lock(file); !errors.Is(err, errLocked) {
		return "", err
	}
	lines, err := readLines(file)
	first, _, _ := bytes.Cut(lines, []byte("\n"))
	return processOf(first), err
}

// processOf returns what a line of FILE-lock says of its process.
func processOf(line []byte) string {
	_, process, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
	return string(process)
}

// own makes the line about this Store the first one of a file that it has locked. The
// error is errRemoved if the file is no longer at path.
func (o *others) own(file *os.File, path string) error {
	opened, err := file.Stat()
	if err != nil {
		return err
	}
	if there, err := os.Stat(path); err != nil || !os.SameFile(there, opened) {
		return errRemoved
	}
	for { // until no other Store writes in between
		if err := file.Truncate(0); err != nil {
			return err
		}
		if _, err := file.Write(o.self); err != nil {
			return err
		}
		if lines, err := readLines(file); err != nil || bytes.HasPrefix(lines, o.self) {
			return err
		}
	}
}

// join logs the Store that has locked file, and adds a line about this one.
func (o *others) join(file *os.File) error {
	lines, err := readLines(file)
	if err != nil || bytes.Contains(lines, o.self) || len(lines) > mostLines {
		return err
	}
	first, _, _ := bytes.Cut(lines, []byte("\n"))
	o.warn(first)
	_, err = file.Write(o.self)
	return err
}

func (o *others) warn(line []byte) {
	o.log.Warn("Another process has this SQLite file open. Users of one room don't see each other's edits if they are connected to different processes. "+
		"Stop one of the processes, or connect them by a layer.", "file", o.file, "process", processOf(line))
}

// readLines returns the whole lines of FILE-lock.
func readLines(file *os.File) ([]byte, error) {
	data, err := io.ReadAll(io.NewSectionReader(file, 0, 2*mostLines))
	return data[:bytes.LastIndexByte(data, '\n')+1], err
}

// modeOf returns the permissions of a file, which FILE-wal and FILE-shm have too.
func modeOf(path string) fs.FileMode {
	info, err := os.Stat(path)
	if err != nil {
		return 0o600
	}
	return info.Mode().Perm()
}
