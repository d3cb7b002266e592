package sqlitestore

import (
	"context"
	"database/sql"
	"errors"
	"runtime"
	"time"
)

// reads is the connections that read. Each of them keeps its statements, because to parse
// one takes longer than to read a small room.
type reads struct {
	db         *sql.DB
	load, list *sql.Stmt
}

func openReads(path string, wait time.Duration) (r reads, err error) {
	if r.db, err = openDB(path, wait, readWrite, "query_only(1)"); err != nil {
		return reads{}, err
	}
	conns := max(4, runtime.GOMAXPROCS(0))
	r.db.SetMaxOpenConns(conns)
	r.db.SetMaxIdleConns(conns)
	ctx := context.Background()
	if r.load, err = r.db.PrepareContext(ctx, loadSQL); err == nil {
		r.list, err = r.db.PrepareContext(ctx, listSQL)
	}
	if err != nil {
		return reads{}, errors.Join(err, r.close())
	}
	return r, nil
}

func (r reads) close() error {
	var errs []error
	for _, stmt := range []*sql.Stmt{r.load, r.list} {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(append(errs, r.db.Close())...)
}
