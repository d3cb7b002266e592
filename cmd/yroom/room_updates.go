package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// eachUpdate is an eachDocument that reads the files of updates in a folder. It refuses a
// folder that exportAll has written, in which the files have numbers in place of names.
func eachUpdate(ctx context.Context, folder string, do func(name string, updates [][]byte, err error)) error {
	if isFile(folder, namesFile) || isFile(folder, unfinishedFile) {
		numbered, err := fs.Glob(os.DirFS(folder), "[0-9]*.update")
		if err != nil {
			return err
		}
		if len(numbered) > 0 {
			return fmt.Errorf("%s was written by yroom room export --all: use --all in place of --updates", folder)
		}
	}
	return eachFile(".update")(ctx, folder, do)
}

// eachFile returns an eachDocument that reads the files in a folder whose names end with a
// suffix. The rest of the path within the folder is the name of the document.
func eachFile(suffix string) eachDocument {
	return func(ctx context.Context, folder string, do func(name string, updates [][]byte, err error)) error {
		found := false
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			relative, err := filepath.Rel(folder, path)
			if err != nil {
				return err
			}
			name, ok := strings.CutSuffix(filepath.ToSlash(relative), suffix)
			if !ok {
				return ctx.Err()
			}
			found = true
			data, err := os.ReadFile(path) //nolint:gosec // it is in the folder that the operator names
			do(name, [][]byte{data}, err)
			return ctx.Err()
		})
		if err == nil && !found {
			err = fmt.Errorf("%s has no files whose names end with %s: copy the documents there, such as objects of S3 from below their prefix", folder, suffix)
		}
		return err
	}
}
