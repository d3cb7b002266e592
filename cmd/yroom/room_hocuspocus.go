package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// eachHocuspocus calls do with each document of a Hocuspocus server: those in the SQLite
// database of its extension-sqlite at path, or in a folder that holds a copy of the
// objects of its extension-s3. The data is an update in V1.
func eachHocuspocus(ctx context.Context, path string, do func(name string, updates [][]byte, err error)) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return eachFile(".bin")(ctx, path, do)
	}
	return eachRow(ctx, path, do)
}

// eachRow reads the table documents(name, data).
func eachRow(ctx context.Context, path string, do func(name string, updates [][]byte, err error)) (err error) {
	db, err := openReadOnly(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	rows, err := db.QueryContext(ctx, `SELECT name, data FROM documents ORDER BY name`)
	if err != nil {
		return fmt.Errorf("%s is not the database of a Hocuspocus server: %w", path, err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var name string
		var data []byte
		if err := rows.Scan(&name, &data); err != nil {
			return err
		}
		do(name, [][]byte{data}, nil)
	}
	return rows.Err()
}
