package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"io"
	"time"
)

// file is a file of an archive.
type file struct {
	name string
	data []byte
	runs bool // it is a program
}

func (f file) mode() int64 {
	if f.runs {
		return 0o755
	}
	return 0o644
}

// tarred returns a compressed archive of files in a folder. All have the same time and belong to root.
func tarred(folder string, files []file, when time.Time) ([]byte, error) {
	var archive bytes.Buffer
	zipper := gzip.NewWriter(&archive)
	to := tar.NewWriter(zipper)
	for _, f := range files {
		header := &tar.Header{Name: folder + "/" + f.name, Mode: f.mode(), Size: int64(len(f.data)), ModTime: when, Uname: "root", Gname: "root", Format: tar.FormatUSTAR}
		if err := to.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := to.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := to.Close(); err != nil {
		return nil, err
	}
	if err := zipper.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}

// zipped returns a ZIP archive of files in a folder. All have the same time.
func zipped(folder string, files []file, when time.Time) ([]byte, error) {
	var archive bytes.Buffer
	to := zip.NewWriter(&archive)
	for _, f := range files {
		one, err := to.CreateHeader(&zip.FileHeader{Name: folder + "/" + f.name, Method: zip.Deflate, Modified: when})
		if err != nil {
			return nil, err
		}
		if _, err := io.Copy(one, bytes.NewReader(f.data)); err != nil {
			return nil, err
		}
	}
	if err := to.Close(); err != nil {
		return nil, err
	}
	return archive.Bytes(), nil
}
