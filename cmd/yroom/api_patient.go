package main

import (
	"errors"
	"net/http"
	"time"
)

const (
	writePatience = 30 * time.Second // how long a client may take to take a part
	partSize      = 64 << 10         // of a part, in bytes
)

// patientWriter gives a slow client time for each part of a long answer, and a
// dead one no more than that.
type patientWriter struct {
	http.ResponseWriter

	control *http.ResponseController
}

func patient(w http.ResponseWriter) patientWriter {
	return patientWriter{w, http.NewResponseController(w)}
}

// Write implements io.Writer.
func (p patientWriter) Write(data []byte) (n int, err error) {
	for len(data) > 0 && err == nil {
		if err := p.wait(); err != nil {
			return n, err
		}
		var written int
		written, err = p.ResponseWriter.Write(data[:min(partSize, len(data))])
		n += written
		data = data[written:]
	}
	return n, err
}

// Flush sends what was written.
func (p patientWriter) Flush() error {
	if err := p.wait(); err != nil {
		return err
	}
	return p.control.Flush()
}

func (p patientWriter) wait() error {
	err := p.control.SetWriteDeadline(time.Now().Add(writePatience))
	if errors.Is(err, http.ErrNotSupported) { // it is no connection
		return nil
	}
	return err
}
