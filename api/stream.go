package api

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

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
)

const (
	eventStream = "text/event-stream"
	maxStreams  = 1000             // the number of streams that may be open at once
	heartbeat   = 15 * time.Second // the longest pause in a stream
)

// events sends what is added to a room's document as server-sent events, until the
// client disconnects, the room is deleted, or the server shuts down. A client that
// continues from an event that is no longer known, as after a restart, receives the
// whole document.
func (a *Handler) events(w http.ResponseWriter, r *http.Request, room string) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	if choose(accepted(r.Header), []string{eventStream}) < 0 {
		return notAcceptable.because("This address sends server-sent events.", eventStream)
	}
	defer a.streams.Add(-1)
	if a.streams.Add(1) > maxStreams {
		return tooManyStreams.because(fmt.Sprintf("%d are open. Close some, or try again later.", maxStreams))
	}
	var since event.Mark
	_ = since.UnmarshalText([]byte(r.Header.Get("Last-Event-ID"))) // anything else is the zero Mark
	d := a.documents.Document(room)
	first, err := a.firstEvent(r.Context(), d, since)
	if err != nil {
		return err
	}
	sent := func() {
		if first != nil {
			a.exports.leave(first)
			first = nil // its body is not kept
		}
	}
	defer sent()
	ctx, cancel := context.WithCancel(r.Context())
	stream := eventWriter{out: newTimedWriter(w)}
	var beating sync.WaitGroup
	defer beating.Wait()
	defer cancel()

	begun, from := false, first.mark
	for change, err := range d.Changes(ctx, first.mark) {
		switch {
		case err != nil && !begun:
			return err
		case ctx.Err() != nil, errors.Is(err, document.ErrClosed):
			return nil
		case err != nil:
			stream.sendProblem(err)
			return nil
		case !begun:
			begun = true
			stream.begin()
			beating.Go(func() { stream.beat(ctx, cancel) })
			if first.body != nil && !change.Whole && stream.send("update", first.mark.String(), first.body) != nil {
				return nil // the client has disconnected
			}
		}
		if change.Whole {
			from = event.Mark{}
		}
		sent() // a large change takes its place
		if a.sendChange(ctx, &stream, exportKey{room, from.String() + " to " + change.Mark.String()}, change) != nil {
			return nil
		}
		from = change.Mark
	}
	return nil
}

// largeEvent is the size in bytes above which a change counts as an export. Document.Changes
// keeps smaller ones for a stream that isn't read.
const largeEvent = 1 << 20

// sendChange sends a change, if it isn't empty. A large change is an export: it waits for
// memory, which it takes until the client has read it, and streams share it.
func (a *Handler) sendChange(ctx context.Context, stream *eventWriter, key exportKey, change document.Change) error {
	if change.Update == nil {
		return nil
	}
	if len(change.Update) <= largeEvent {
		return stream.send("update", change.Mark.String(), change.Update)
	}
	e, err := a.exports.share(ctx, key, len(change.Update), func(e *exported) error {
		e.mark, e.body, e.size = change.Mark, change.Update, len(change.Update)
		return nil
	})
	if err != nil {
		stream.sendProblem(err)
		return err
	}
	defer a.exports.leave(e)
	return stream.send("update", e.mark.String(), e.body)
}

// eventWriter writes server-sent events.
type eventWriter struct {
	writing sync.Mutex
	out     timedWriter
}

// begin sends the header of the response.
func (e *eventWriter) begin() {
	h := e.out.Header()
	h.Set("Content-Type", eventStream)
	h.Set("X-Accel-Buffering", "no") // otherwise nginx would buffer events
	_ = e.out.Flush()                // if the client has disconnected, the context ends
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

// sendProblem sends the reason for the end of the stream.
func (e *eventWriter) sendProblem(err error) {
	name, problem := "problem", problemFor(err)
	if errors.Is(err, document.ErrNotFound) {
		name, problem = "deleted", roomDeleted.because("Nothing more will come. The room may be created again.")
	}
	data, err := json.Marshal(problem.Problem)
	if err != nil {
		panic(err) // strings and a number can be marshalled
	}
	e.writing.Lock()
	defer e.writing.Unlock()
	fmt.Fprintf(e.out, "event: %s\ndata: %s\n\n", name, data)
	_ = e.out.Flush() // the client may have disconnected
}

// beat sends comments until ctx ends, so that both sides can detect a broken
// connection. It calls gone when one can't be sent.
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
			continue // an event is being sent, so no comment is needed
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
