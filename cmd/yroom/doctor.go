package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/djangostore"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

type doctorCmd struct {
	Room []string `arg:"" optional:"" help:"Rooms to examine (default: all, and the store itself)."`

	Store  string `placeholder:"URL"  help:"The store, sqlite:FILE or postgres://… (default: that of the settings file, or sqlite:yroom.db)."`
	Config string `placeholder:"FILE" help:"Settings file (default: yroom.yaml, if there is one)."`

	JSON            bool `help:"Print each finding as a JSON object a line, and one with the totals at the end."`
	Compact         bool `help:"Replace the log of each room without findings of damage by one snapshot. Deleted content that is stored stays."`
	PurgeTombstones bool `help:"Also drop the content of what is deleted, as clients do unless they set gc: false. Earlier versions of a document can't be shown after that."`
}

// The exit status of yroom doctor: 0 means that nothing was found.
const (
	exitFindings  = 1
	exitUnchecked = 2 // the store could not be examined
)

// Run examines a store.
func (c doctorCmd) Run(e environment) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process
	found, err := c.examine(ctx, e)
	if err != nil {
		return exitError{err, exitUnchecked}
	}
	if found > 0 {
		return exitError{fmt.Errorf("%d findings", found), exitFindings}
	}
	return nil
}

func (c doctorCmd) examine(ctx context.Context, e environment) (findings int, err error) {
	url, err := oneStore(c.Store, c.Config, "examine", e.stderr)
	if err != nil {
		return 0, err
	}
	opened, err := inspect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	d := &doctor{store: opened, report: newDoctorReport(e, url, c.Config, c.JSON), most: mostExamined}
	if c.Compact || c.PurgeTombstones {
		d.repair = &repair{url: url, purge: c.PurgeTombstones}
		defer func() { err = errors.Join(err, d.repair.close()) }()
	}
	err = d.run(ctx, c.Room)
	return d.report.Findings, errors.Join(err, d.report.end(err == nil))
}

// inspection is a store that is only read.
type inspection interface {
	Overview(ctx context.Context) (store.Overview, error)
	Find(ctx context.Context, room string) (id int64, err error)
	Rooms(ctx context.Context, after int64, limit int) (ids []int64, err error)
	Read(ctx context.Context, id int64, most int) (store.Inspected, error)
	Close() error
}

// inspect opens the store at url, to read it.
func inspect(ctx context.Context, url string) (inspection, error) {
	if err := checkStoreURL(url); err != nil {
		return nil, err
	}
	if url == inMemory {
		return nil, errors.New("the store memory: exists only within its server, and can't be examined")
	}
	plain, django := cutDjango(url)
	path, isFile := strings.CutPrefix(plain, "sqlite:")
	if !isFile {
		return pgstore.Inspect(ctx, plain)
	}
	if django {
		path += djangostore.LogSuffix
	}
	if _, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("there is no store: %w: name one with --store", err)
	}
	return sqlitestore.Inspect(path)
}
