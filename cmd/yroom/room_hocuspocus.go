package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// eachHocuspocus calls do with each document of a Hocuspocus server: those in the SQLite
// database of its extension-sqlite at path, or in a folder that holds a copy of the
// objects of its extension-s3. The data is an update in V1.
func eachHocuspocus(ctx context.Context, path string, do func(name string, data []byte)) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.IsDir() {
		return eachObject(path, do)
	}
	return eachRow(ctx, path, do)
}

// eachRow reads the table documents(name, data).
func eachRow(ctx context.Context, path string, do func(name string, data []byte)) (err error) {
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
		do(name, data)
	}
	return rows.Err()
}

// eachObject reads the files NAME.bin in a folder, where NAME may have slashes.
func eachObject(folder string, do func(name string, data []byte)) error {
	found := false
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		name, isObject := strings.CutSuffix(filepath.ToSlash(relative), ".bin")
		if !isObject {
			return nil
		}
		found = true
		data, err := os.ReadFile(path) //nolint:gosec // it is in the folder that the operator names
		if err == nil {
			do(name, data)
		}
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("%s has no files whose names end with .bin: copy the objects below the prefix of the S3 extension there", folder)
	}
	return err
}

// importHocuspocus imports each document of a Hocuspocus server. It goes on if one can't be
// imported.
func importHocuspocus(ctx context.Context, path string, report *importReport, send func(room string, data []byte) error) error {
	err := eachHocuspocus(ctx, path, func(name string, data []byte) { report.add(name, send(name, data)) })
	return cmp.Or(err, ctx.Err(), report.err())
}
