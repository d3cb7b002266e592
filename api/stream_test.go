package api

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/memhttp"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
)

// watcher reads an event stream.
type watcher struct {
	t     *testing.T
	resp  *http.Response
	lines *bufio.Reader
}

func (p *apiPlace) watch(room string, header ...string) *watcher {
	p.t.Helper()
	return watch(p.t, http.DefaultClient, p.web.URL+roomAddress(room)+"/events", p.seen, header...)
}

func watch(t *testing.T, client *http.Client, address string, seen *openAPI, header ...string) *watcher {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+theToken)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	if seen != nil {
		seen.check(r, resp, nil)
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != eventStream {
		t.Fatalf("status %d, %v", resp.StatusCode, resp.Header)
	}
	return &watcher{t, resp, bufio.NewReader(resp.Body)}
}

// sent is an event.
type sent struct{ id, name, data string }

// next reads the next event. It returns the zero event at the end of the stream.
func (w *watcher) next() (e sent) {
	w.t.Helper()
	for {
		line, err := w.lines.ReadString('\n')
		if err == io.EOF {
			return sent{}
		}
		if err != nil {
			w.t.Errorf("the stream broke: %v", err)
			return sent{}
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				return e
			}
		case ":":
		default:
			w.t.Errorf("a line %q", line)
		}
	}
}

// update reads the next event, which must be an update, and returns the update.
func (w *watcher) update() (update, id string) {
	w.t.Helper()
	e := w.next()
	data, err := base64.StdEncoding.DecodeString(e.data)
	if e.name != "update" || e.id == "" || err != nil {
		w.t.Fatalf("%+v is no update (%v)", e, err)
	}
	return string(data), e.id
}

func (w *watcher) wantEnd() {
	w.t.Helper()
	if e := w.next(); e != (sent{}) {
		w.t.Errorf("an event %+v, want the end", e)
	}
}

func (p *apiPlace) testEvents(t *testing.T) {
	p.make("events")
	w := p.watch("events")
	whole, _ := w.update()
	if want := string(decode(t, docV1)); whole != want {
		t.Errorf("the first update is %q, want %q", whole, want)
	}
	more := string(decode(t, moreV1))
	p.want(http.StatusNoContent, post, "/api/rooms/events", more)
	gained, id := w.update()

	// Applying all updates results in the document.
	p.want(http.StatusNoContent, post, "/api/rooms/copy-of-events", whole)
	p.want(http.StatusNoContent, post, "/api/rooms/copy-of-events", gained)
	if got := p.title("copy-of-events"); got != "!Hello world" {
		t.Errorf("title %q", got)
	}

	// A client that sends the last event continues after it. A client that sends an event
	// of another process receives the whole document.
	on, late := p.watch("events", "Last-Event-ID", id), p.watch("events", "Last-Event-ID", "1.1")
	if update, _ := late.update(); len(update) < len(whole) {
		t.Errorf("a client with an unknown event received %q", update)
	}
	anything := string(testkit.TypedIn("more", 9, 0, "x"))
	p.want(http.StatusNoContent, post, "/api/rooms/events", anything)
	for _, w := range []*watcher{w, on, late} {
		if update, _ := w.update(); strings.Contains(update, "Hello") || !strings.Contains(update, "more") {
			t.Errorf("update %q, want only what is new", update)
		}
	}

	p.want(http.StatusNoContent, delete_, "/api/rooms/events", "")
	for _, w := range []*watcher{w, on, late} {
		e := w.next()
		var problem Problem
		if err := json.Unmarshal([]byte(e.data), &problem); e.name != "deleted" || err != nil || problem.Status != http.StatusGone {
			t.Errorf("%+v (%v), want that it was deleted", e, err)
		}
		w.wantEnd()
	}
}

// Streams end when the server begins to shut down.
func TestAPIEventsEnd(t *testing.T) {
	p := newAPIPlace(t)
	p.make("room")
	w := p.watch("room")
	w.update()
	if err := p.rooms.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	w.wantEnd()
}

func (p *apiPlace) testTooManyStreams(*testing.T) {
	p.make("many")
	streams := &p.handler.streams
	before := streams.Load()
	streams.Store(maxStreams - 1)
	w := p.watch("many")
	w.update()
	p.wantProblem(http.StatusServiceUnavailable, "too-many-streams", get_, "/api/rooms/many/events", "")
	w.resp.Body.Close()
	for streams.Load() >= maxStreams {
		time.Sleep(time.Millisecond)
	}
	p.watch("many").update()
	streams.Store(before)
}

// inBubble runs a server in simulated time, with the deadlines of yroom serve.
// documents is its store, or nil.
func inBubble(t *testing.T, documents store.Store, test func(t *testing.T, rooms *yroom.Server, client *http.Client, listener *memhttp.Listener)) {
	synctest.Test(t, func(t *testing.T) {
		rooms, err := yroom.New(yroom.Config{Store: documents})
		if err != nil {
			t.Fatal(err)
		}
		listener := memhttp.Listen()
		server := &http.Server{
			Handler:           newSite(rooms, New(Config{Documents: rooms.Documents()})),
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       30 * time.Second,
			WriteTimeout:      30 * time.Second,
			IdleTimeout:       2 * time.Minute,
		}
		var serving sync.WaitGroup
		serving.Go(func() { _ = server.Serve(listener) })
		transport := &http.Transport{DialContext: listener.Dial}
		test(t, rooms, &http.Client{Transport: transport}, listener)
		transport.CloseIdleConnections()
		if err := errors.Join(rooms.Shutdown(t.Context()), server.Shutdown(t.Context())); err != nil {
			t.Error(err)
		}
		serving.Wait()
	})
}

// A stream lasts longer than all deadlines of the server, and has no long pauses.
func TestAPIEventsStay(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rooms *yroom.Server, client *http.Client, _ *memhttp.Listener) {
		if err := rooms.Document("room").Create(t.Context(), decode(t, docV1), blocks.V1); err != nil {
			t.Fatal(err)
		}
		w := watch(t, client, "http://server/api/rooms/room/events", nil)
		w.update()
		began := time.Now()
		for range 40 {
			if line, err := w.lines.ReadString('\n'); line != ":\n" || err != nil {
				t.Fatalf("%q (%v) after %v, want a comment", line, err, time.Since(began))
			}
			_, _ = w.lines.ReadString('\n')
		}
		if d := time.Since(began); d != 40*heartbeat {
			t.Errorf("40 comments took %v", d)
		}
		if err := rooms.Document("room").Apply(t.Context(), decode(t, moreV1), blocks.V1); err != nil {
			t.Fatal(err)
		}
		w.update()
		w.resp.Body.Close()
	})
}

// The connection of a client that no longer reads is closed.
func TestAPIEventsDeadPeer(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rooms *yroom.Server, _ *http.Client, listener *memhttp.Listener) {
		if err := rooms.Document("room").Create(t.Context(), decode(t, docV1), blocks.V1); err != nil {
			t.Fatal(err)
		}
		conn, err := listener.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, err = io.WriteString(conn, "GET /api/rooms/room/events HTTP/1.1\r\nHost: server\r\nAuthorization: Bearer "+theToken+"\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, 15)
		if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 200 OK" {
			t.Fatalf("%q (%v)", head, err)
		}
		time.Sleep(2*heartbeat + 2*writeTimeout)
		if rest, err := io.ReadAll(conn); err != nil || len(rest) > 4<<10 {
			t.Errorf("read %d more bytes (%v), want the end of the connection", len(rest), err)
		}
	})
}

// A client that stops in the middle of an update gets an error.
func TestAPISlowBody(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, _ *yroom.Server, _ *http.Client, listener *memhttp.Listener) {
		conn, err := listener.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /api/rooms/room HTTP/1.1\r\nHost: server\r\nAuthorization: Bearer "+theToken+"\r\nContent-Length: 100\r\n\r\nhalf"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(writeTimeout + writeTimeout/2) // the client reads slowly, too
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if a := (answered{resp.StatusCode, resp.Header, string(body)}); a.problem() != "bad-body" || err != nil {
			t.Errorf("%+v (%v)", a, err)
		}
	})
}

// A client that reads a long response slowly receives all of it.
func TestAPISlowReader(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, rooms *yroom.Server, client *http.Client, _ *memhttp.Listener) {
		if err := rooms.Document("room").Create(t.Context(), testkit.Typed(1, 0, strings.Repeat("x", 2<<20)), blocks.V1); err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server/api/rooms/room", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+theToken)
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		began, part, got := time.Now(), make([]byte, partSize), 0
		for {
			n, err := io.ReadFull(resp.Body, part)
			if got += n; err == io.EOF || err == io.ErrUnexpectedEOF && int64(got) == resp.ContentLength {
				break
			}
			if err != nil {
				t.Fatalf("after %v and %d of %d bytes: %v", time.Since(began), got, resp.ContentLength, err)
			}
			time.Sleep(writeTimeout / 2)
		}
		if int64(got) != resp.ContentLength || time.Since(began) < 5*time.Minute {
			t.Errorf("%d of %d bytes arrived in %v", got, resp.ContentLength, time.Since(began))
		}
	})
}

// A large update that arrives slowly and is stored slowly is answered, after the
// deadlines of the server.
func TestAPISlowStore(t *testing.T) {
	documents := faulty.New(memstore.New())
	documents.Set(faulty.Delay(25*time.Second), faulty.Append)
	inBubble(t, documents, func(t *testing.T, _ *yroom.Server, client *http.Client, _ *memhttp.Listener) {
		update := testkit.Typed(1, 0, strings.Repeat("x", defaultBodyLimit-100))
		body, sender := io.Pipe()
		go func() {
			time.Sleep(20 * time.Second)
			_, _ = sender.Write(update)
			_ = sender.Close()
		}()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://server/api/rooms/room", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+theToken)
		began := time.Now()
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if took := time.Since(began); resp.StatusCode != http.StatusNoContent || took < 45*time.Second {
			t.Errorf("status %d after %v, want 204 after 45 seconds", resp.StatusCode, took)
		}
	})
}
