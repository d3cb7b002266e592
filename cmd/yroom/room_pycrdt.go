package main

import (
	"context"
	"errors"
	"fmt"
)

// eachPycrdt reads the tables yupdates(path, yupdate) and ycheckpoints(path, checkpoint) of
// an SQLiteYStore of pycrdt-store, or of its predecessor ypy-websocket, which has no
// checkpoints.
func eachPycrdt(ctx context.Context, path string, do func(name string, updates [][]byte, err error)) (err error) {
	db, err := openReadOnly(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var checkpoints bool
	err = db.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'ycheckpoints')`).Scan(&checkpoints)
	if err != nil {
		return fmt.Errorf("%s is not an SQLiteYStore: %w", path, err)
	}
	query := `SELECT path, yupdate FROM (SELECT path, yupdate, timestamp FROM yupdates) ORDER BY path, timestamp`
	if checkpoints {
		query = `SELECT path, yupdate FROM (SELECT path, yupdate, timestamp FROM yupdates
			UNION ALL SELECT path, checkpoint, 0 FROM ycheckpoints) ORDER BY path, timestamp`
	}
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("%s is not an SQLiteYStore: %w", path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	documents := grouping{do: func(name string, updates [][]byte) { do(name, updates, nil) }}
	for rows.Next() {
		var name string
		var update []byte
		if err := rows.Scan(&name, &update); err != nil {
			return err
		}
		documents.add(name, update)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	documents.end()
	return nil
}
