package api

import (
	"errors"
	"net/http"
	"runtime"
	"time"
)

const (
	writeTimeout = 30 * time.Second // how long a client may take to read a part of a response
	partSize     = 64 << 10         // of a part, in bytes
)

// timedWriter is a ResponseWriter with a deadline for each part of a response, so that
// a slow client receives a long response completely, and the connection of a dead
// client is closed.
type timedWriter struct {
	http.ResponseWriter

	control *http.ResponseController
}

func newTimedWriter(w http.ResponseWriter) timedWriter {
	return timedWriter{w, http.NewResponseController(w)}
}

// WriteHeader implements http.ResponseWriter. A change may have taken longer than
// the write timeout of the server.
func (t timedWriter) WriteHeader(status int) {
	_ = t.extend() // the client may have disconnected
	t.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (t timedWriter) Write(data []byte) (n int, err error) {
	for len(data) > 0 && err == nil {
		if err := t.extend(); err != nil {
			return n, err
		}
		var written int
		written, err = t.ResponseWriter.Write(data[:min(partSize, len(data))])
		n += written
		data = data[written:]
		runtime.Gosched() // hundreds of clients may have room for megabytes in the buffers of the network
	}
	return n, err
}

// Flush sends what was written.
func (t timedWriter) Flush() error {
	if err := t.extend(); err != nil {
		return err
	}
	return t.control.Flush()
}

// extend sets the deadline of the next part.
func (t timedWriter) extend() error {
	err := t.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if errors.Is(err, http.ErrNotSupported) { // w is not a network connection
		return nil
	}
	return err
}
