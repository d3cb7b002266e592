package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/yroom/yroom"
)

const (
	eventStream = "text/event-stream"
	mostStreams = 1000             // that are open at once
	heartbeat   = 15 * time.Second // how long a stream is silent at most
)

// events sends the changes of a room's document as server-sent events, until the
// client disconnects, the room is deleted, or the server shuts down. A client that
// continues from an unknown event, as after a restart, gets the whole document.
func (a *api) events(w http.ResponseWriter, r *http.Request, room string) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	if choose(accepted(r.Header), []string{eventStream}) < 0 {
		return notAcceptable.because("This address gives server-sent events.", eventStream)
	}
	defer a.streams.Add(-1)
	if a.streams.Add(1) > mostStreams {
		return tooManyStreams.because(fmt.Sprintf("%d are open. Close some, or try again later.", mostStreams))
	}
	since, err := yroom.ParseMark(r.Header.Get("Last-Event-ID"))
	if err != nil {
		since = yroom.Mark{}
	}
	ctx, cancel := context.WithCancel(r.Context())
	stream := eventWriter{out: patient(w)}
	var beating sync.WaitGroup
	defer beating.Wait()
	defer cancel()

	begun := false
	for change, err := range a.rooms.Document(room).Changes(ctx, since) {
		switch {
		case err != nil && !begun:
			return err
		case ctx.Err() != nil, errors.Is(err, yroom.ErrClosed):
			return nil
		case err != nil:
			stream.sendProblem(err)
			return nil
		case !begun:
			begun = true
			stream.begin()
			beating.Go(func() { stream.beat(ctx, cancel) })
		}
		if change.Update == nil {
			continue
		}
		if stream.send("update", yroom.FormatMark(change.At), change.Update) != nil {
			return nil // the client is gone
		}
	}
	return nil
}

// eventWriter writes server-sent events.
type eventWriter struct {
	writing sync.Mutex
	out     patientWriter
}

// begin sends the head of the answer.
func (e *eventWriter) begin() {
	h := e.out.Header()
	h.Set("Content-Type", eventStream)
	h.Set("X-Accel-Buffering", "no") // or nginx would keep events back
	_ = e.out.Flush()                // if the client is gone, its context ends
}

// send sends an event whose data is binary, in base64.
func (e *eventWriter) send(name, id string, data []byte) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	out := bufio.NewWriterSize(e.out, partSize)
	fmt.Fprintf(out, "id: %s\nevent: %s\ndata: ", id, name)
	encoder := base64.NewEncoder(base64.StdEncoding, out)
	_, _ = encoder.Write(data) // out keeps an error until it is flushed
	_ = encoder.Close()
	fmt.Fprint(out, "\n\n")
	if err := out.Flush(); err != nil {
		return err
	}
	return e.out.Flush()
}

// sendProblem sends why the stream ends here.
func (e *eventWriter) sendProblem(err error) {
	name, problem := "problem", problemOf(err)
	if errors.Is(err, yroom.ErrUnavailable) {
		name, problem = "deleted", roomDeleted.because("There will be no more events. The room can be created again.")
	}
	data, err := json.Marshal(problem.details())
	if err != nil {
		panic(err) // strings and a number can be written
	}
	e.writing.Lock()
	defer e.writing.Unlock()
	fmt.Fprintf(e.out, "event: %s\ndata: %s\n\n", name, data)
	_ = e.out.Flush() // the client may be gone
}

// beat sends heartbeats until ctx ends, and calls gone when the connection fails.
func (e *eventWriter) beat(ctx context.Context, gone context.CancelFunc) {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if !e.writing.TryLock() {
			continue // an event is on its way
		}
		fmt.Fprint(e.out, ":\n\n")
		err := e.out.Flush()
		e.writing.Unlock()
		if err != nil {
			gone()
			return
		}
	}
}
