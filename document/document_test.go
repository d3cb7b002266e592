package document_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/worker"
	"github.com/yroom/yroom/yjs"
)

func wantDocument(t *testing.T, d *document.Document, updates ...[]byte) {
	t.Helper()
	if got := must[[]byte](t)(d.Update(t.Context(), blocks.V1)); !bytes.Equal(got, merged(t, updates...)) {
		t.Errorf("the document is %q, want %q", got, merged(t, updates...))
	}
}

// A document reads the same whether its room is in memory or only stored.
func TestDocumentIsRead(t *testing.T) {
	kept := memstore.New()
	if _, err := kept.Append(t.Context(), "stored", store.Entry{Encoding: store.V1, Data: hello}); err != nil {
		t.Fatal(err)
	}
	server, web := running(t, config{Store: kept})
	c := connect(t, web, "open")
	c.MustSend(t, testkit.Update(hello))
	c.MustAwait(t, testkit.Update(hello))

	rest := typed(1, 2, "llo") // the update of hello without its first letters
	rest = append(rest[:len(rest)-1], 0)
	v2 := must[[]byte](t)(blocks.Convert(blocks.V1, blocks.V2, hello))
	for _, name := range []string{"stored", "ws/open"} {
		d := server.Document(name)
		for _, test := range []struct {
			name string
			want []byte
			got  func() ([]byte, error)
		}{
			{"Update in V1", hello, func() ([]byte, error) { return d.Update(t.Context(), blocks.V1) }},
			{"Update in V2", v2, func() ([]byte, error) { return d.Update(t.Context(), blocks.V2) }},
			{"StateVector", []byte{1, 1, 5}, func() ([]byte, error) { return d.StateVector(t.Context()) }},
			{"Diff", rest, func() ([]byte, error) { return d.Diff(t.Context(), []byte{1, 1, 2}, blocks.V1) }},
			{"Diff from nothing", hello, func() ([]byte, error) { return d.Diff(t.Context(), emptyStateVector, blocks.V1) }},
		} {
			if diff := cmp.Diff(test.want, must[[]byte](t)(test.got())); diff != "" {
				t.Errorf("%s: %s (-want +got)\n%s", name, test.name, diff)
			}
		}
		_, err := d.Diff(t.Context(), nil, blocks.V1)
		wantError(t, name+": Diff from what is no state vector", err, document.ErrMalformed)
		_, err = d.Update(t.Context(), 3)
		wantError(t, name+": an encoding that is none", err, blocks.ErrEncoding)

		// A query from the mark of an earlier one returns what was added since.
		a := must[document.Info](t)(server.Document(name).Query(t.Context(), event.Mark{}))
		mark := a.Mark
		if (mark.Epoch == 0) != (name == "stored") {
			t.Errorf("%s: the mark is %+v", name, mark)
		}
		if a = must[document.Info](t)(server.Document(name).Query(t.Context(), mark)); a.Update != nil {
			t.Errorf("%s: nothing is new, but the answer is %+v", name, a)
		}
	}
	if rooms := open(t, server); len(rooms) != 1 {
		t.Errorf("rooms %q are in memory", rooms)
	}
}

func TestNotFound(t *testing.T) {
	server, web := running(t, config{})
	d := server.Document("ws/none")
	for _, step := range []string{"never written to", "deleted"} {
		_, err := d.Update(t.Context(), blocks.V1)
		wantError(t, step+": Update", err, document.ErrNotFound)
		_, err = d.StateVector(t.Context())
		wantError(t, step+": StateVector", err, document.ErrNotFound)
		_, err = d.Read(t.Context())
		wantError(t, step+": Read", err, document.ErrNotFound)
		wantError(t, step+": Delete", d.Delete(t.Context()), document.ErrNotFound)
		for _, err := range d.Changes(t.Context(), event.Mark{}) {
			wantError(t, step+": Changes", err, document.ErrNotFound)
		}
		if step == "deleted" {
			wantError(t, "Apply", d.Apply(t.Context(), hello, blocks.V1), document.ErrNotFound)
			break
		}
		if err := errors.Join(d.Apply(t.Context(), hello, blocks.V1), d.Delete(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	// A room that has a connection exists.
	if err := d.Create(t.Context(), nothing, blocks.V1); err != nil {
		t.Fatal(err)
	}
	enter(t, web, "none")
	wantDocument(t, d)
}

// The error for a root that is not there, or of another kind, names the roots of the
// document. A root that is not there is also returned as an empty one.
func TestWrongRoot(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("board")
	if err := d.Edit(t.Context(), func(doc *yjs.Doc) error {
		cards, err := doc.Array("cards")
		if err != nil {
			return err
		}
		_, err = cards.InsertMap(0)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	asString := func(b []byte, err error) (string, error) { return string(b), err }
	for _, read := range []struct {
		what, empty string
		of          func(name string) (string, error)
	}{
		{"Text", "", func(name string) (string, error) { return d.Text(t.Context(), name) }},
		{"Delta", "[]", func(name string) (string, error) {
			delta, err := d.Delta(t.Context(), name)
			return must[string](t)(asString(delta.MarshalJSON())), err
		}},
		{"Array", "[]", func(name string) (string, error) { return asString(d.Array(t.Context(), name)) }},
		{"Map", "{}", func(name string) (string, error) { return asString(d.Map(t.Context(), name)) }},
		{"XMLFragment", "", func(name string) (string, error) { return d.XMLFragment(t.Context(), name) }},
		{"XMLElement", "<cards></cards>", func(name string) (string, error) { return d.XMLElement(t.Context(), name) }},
		{"XMLText", "", func(name string) (string, error) { return d.XMLText(t.Context(), name) }},
		{"ProseMirror", `{"type":"doc","content":[]}`, func(name string) (string, error) { return asString(d.ProseMirror(t.Context(), name)) }},
	} {
		got, err := read.of("Cards")
		wantError(t, read.what, err, document.ErrNoRoot)
		if err != nil && !strings.HasSuffix(err.Error(), `"Cards"; it has "cards" (array)`) {
			t.Errorf("%s: %v", read.what, err)
		}
		if got != read.empty {
			t.Errorf("%s of a root that is not there: %q, want %q", read.what, got, read.empty)
		}
		if read.what == "Array" {
			continue
		}
		_, err = read.of("cards")
		wantError(t, read.what+" of an array", err, yjs.ErrType)
		if err != nil && !strings.HasSuffix(err.Error(), `the document has "cards" (array)`) {
			t.Errorf("%s: %v", read.what, err)
		}
	}
}

// Export writes a root that is not there only if it is given a kind.
func TestExportNoRoot(t *testing.T) {
	doc := yjs.New()
	text := must[*yjs.Text](t)(doc.Text("there"))
	if err := text.Insert(0, "x", nil); err != nil {
		t.Fatal(err)
	}
	for _, f := range []document.Format{document.FormatText, document.FormatJSON} {
		_, err := document.Export(doc, "There", yjs.KindUnknown, f)
		wantError(t, "as any kind", err, document.ErrNoRoot)
	}
	if got := string(must[[]byte](t)(document.Export(doc, "There", yjs.KindArray, document.FormatJSON))); got != "[]" {
		t.Errorf("as an array: %s", got)
	}
}

// What doesn't belong to the kind of a root is skipped.
func TestRootOfSeveralKinds(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("mixed")
	if err := d.Edit(t.Context(), func(doc *yjs.Doc) error {
		text, err := doc.Text("text")
		if err != nil {
			return err
		}
		return text.Insert(0, "hello", nil)
	}); err != nil {
		t.Fatal(err)
	}
	if err := d.Edit(t.Context(), func(doc *yjs.Doc) error {
		doc.ForgetRootKinds()
		array, err := doc.Array("text")
		if err != nil {
			return err
		}
		return array.Insert(0, yjs.NumberValue(1))
	}); err != nil {
		t.Fatal(err)
	}
	if got := must[string](t)(d.Text(t.Context(), "text")); got != "hello" {
		t.Errorf("text %q", got)
	}
	if got := string(must[json.RawMessage](t)(d.Array(t.Context(), "text"))); got != `[1,"h","e","l","l","o"]` {
		t.Errorf("array %s", got)
	}
	if got := string(must[json.RawMessage](t)(d.JSON(t.Context(), map[string]yjs.Kind{"text": yjs.KindMap, "new": yjs.KindArray}))); got != `{"text":{},"new":[]}` {
		t.Errorf("JSON %s", got)
	}
	_, err := d.Map(t.Context(), "text")
	wantError(t, "as a map", err, yjs.ErrType)
}

func TestNamesThatNoRoomCanHave(t *testing.T) {
	server, _ := running(t, config{})
	for _, name := range []string{"", " ", "a\x00", "\xff", string(bytes.Repeat([]byte("x"), 256))} {
		d := server.Document(name)
		wantError(t, "Apply", d.Apply(t.Context(), hello, blocks.V1), document.ErrNotFound)
		wantError(t, "Create", d.Create(t.Context(), hello, blocks.V1), document.ErrNotFound)
		_, err := d.Update(t.Context(), blocks.V1)
		wantError(t, "Update", err, document.ErrNotFound)
	}
	if rooms := open(t, server); len(rooms) > 0 {
		t.Errorf("rooms %q", rooms)
	}
}

func TestApplyIsSeenByClients(t *testing.T) {
	kept := memstore.New()
	server, web := running(t, config{Store: kept})
	c := connect(t, web, "a")
	c.MustSend(t, testkit.Update(typed(7, 0, "a")))
	c.MustAwait(t, testkit.Update(typed(7, 0, "a")))
	d := server.Document("ws/a")
	v2 := must[[]byte](t)(blocks.Convert(blocks.V1, blocks.V2, typed(8, 0, "b")))
	given := bytes.Clone(v2)
	if err := d.Apply(t.Context(), given, blocks.V2); err != nil {
		t.Fatal(err)
	}
	if log := must[store.Log](t)(kept.Load(t.Context(), "ws/a")); len(log.Entries) != 2 {
		t.Errorf("%d entries are stored", len(log.Entries))
	}
	clear(given) // it was borrowed
	c.MustAwait(t, testkit.Update(typed(8, 0, "b")))
	own := typed(8, 1, "c")
	if err := d.Apply(t.Context(), own, blocks.V1); err != nil {
		t.Fatal(err)
	}
	clear(own)
	c.MustAwait(t, testkit.Update(typed(8, 1, "c")))

	// The right origin is a block of no elements, which pycrdt hasn't sent. Only the room has
	// the character after which the block was inserted.
	if err := d.Apply(t.Context(), []byte("\x01\x01\x08\x02\xc4\x08\x01\x08\x02\x01d\x00"), blocks.V1); err != nil {
		t.Fatal(err)
	}
	c.MustAwait(t, testkit.Update([]byte("\x01\x01\x08\x02\x84\x08\x01\x01d\x00")))

	wantError(t, "no update", d.Apply(t.Context(), []byte("hello"), blocks.V1), document.ErrMalformed)
	wantError(t, "no update in V2", d.Apply(t.Context(), []byte("hello"), blocks.V2), document.ErrMalformed)
	wantError(t, "an update that yjs can't integrate", d.Apply(t.Context(), []byte("\x01\x01\x07\x01\x84\x07\x05\x01x\x00"), blocks.V1), document.ErrMalformed)
	wantError(t, "no encoding", d.Apply(t.Context(), hello, 0), blocks.ErrEncoding)
	wantDocument(t, d, typed(7, 0, "a"), typed(8, 0, "bcd"))
}

func TestApplyPastTheLimit(t *testing.T) {
	server, _ := running(t, config{Rooms: map[string]worker.Settings{"default": {Room: room.Config{Blocks: blocks.Options{MaxSize: 900}}}}})
	d := server.Document("a")
	wantError(t, "Create", d.Create(t.Context(), typed(7, 0, string(bytes.Repeat([]byte("x"), 1000))), blocks.V1), document.ErrLimit)
	if err := d.Create(t.Context(), typed(7, 0, "a"), blocks.V1); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Apply", d.Apply(t.Context(), typed(8, 0, string(bytes.Repeat([]byte("x"), 1000))), blocks.V1), document.ErrLimit)
	wantDocument(t, d, typed(7, 0, "a"))
}

// If several applications fill an empty room, its content is there once, also for
// clients that wait in the room.
func TestSeedOnce(t *testing.T) {
	const seeders = 50
	kept, err := sqlitestore.Open(filepath.Join(t.TempDir(), "rooms.db"), sqlitestore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := kept.Close(); err != nil {
			t.Error(err)
		}
	})
	one, web := running(t, config{Store: kept})
	two, other := running(t, config{Store: kept})
	enter(t, web, "waited-in")
	enter(t, other, "waited-in")
	for _, name := range []string{"ws/empty", "ws/waited-in", "ws/deleted"} {
		if name == "ws/deleted" {
			if err := errors.Join(one.Document(name).Apply(t.Context(), hello, blocks.V1), one.Document(name).Delete(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		var seeded atomic.Int32
		var winner atomic.Uint32
		var seeding sync.WaitGroup
		for i := range byte(seeders) {
			d := []*document.Documents{one, two}[i%2].Document(name)
			seeding.Go(func() {
				switch err := d.Create(t.Context(), typed(1+i, 0, "template"), blocks.V1); {
				case err == nil:
					seeded.Add(1)
					winner.Store(uint32(1 + i))
				case !errors.Is(err, document.ErrExists):
					t.Errorf("%s: Create: %v", name, err)
				}
			})
		}
		seeding.Wait()
		if n := seeded.Load(); n != 1 {
			t.Errorf("%s: it was seeded %d times", name, n)
		}
		log := must[store.Log](t)(kept.Load(t.Context(), name))
		want := typed(byte(winner.Load()), 0, "template")
		if len(log.Entries) != 1 || !bytes.Equal(log.Entries[0].Data, want) {
			t.Errorf("%s: %d entries are stored, the first %q, want %q", name, len(log.Entries), log.Entries[0].Data, want)
		}
		// Both servers have the content, once a room that was open without it has been loaded
		// again.
		for _, server := range []*document.Documents{one, two} {
			testkit.Eventually(t, name+" has the content", func() string {
				got, err := server.Document(name).Update(t.Context(), blocks.V1)
				if bytes.Equal(got, want) {
					return ""
				}
				return fmt.Sprintf("the document is %q (%v), want %q", got, err, want)
			})
		}
	}
}

func TestCreateIsSeenByClients(t *testing.T) {
	server, web := running(t, config{})
	c := enter(t, web, "a")
	d := server.Document("ws/a")
	if err := d.Create(t.Context(), typed(8, 0, "template"), blocks.V1); err != nil {
		t.Fatal(err)
	}
	c.MustAwait(t, testkit.Update(typed(8, 0, "template")))
	wantError(t, "again", d.Create(t.Context(), hello, blocks.V1), document.ErrExists)
	wantError(t, "no update", d.Create(t.Context(), []byte{1}, blocks.V1), document.ErrMalformed)
	wantDocument(t, d, typed(8, 0, "template"))
}

func TestDeletedRoomClosesClients(t *testing.T) {
	server, web := running(t, config{})
	d := server.Document("ws/a")
	c := connect(t, web, "a")
	c.MustSend(t, testkit.Update(hello))
	c.MustAwait(t, testkit.Update(hello))
	if err := d.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 { // the client reconnects with its content
		if code, _, err := c.AwaitClose(); code != 4404 || err != nil {
			t.Fatalf("closed with %d, %v", code, err)
		}
		c = connect(t, web, "a")
		_ = c.Send(testkit.Update(hello)) // the connection may be closed already
	}
	if err := d.Create(t.Context(), typed(8, 0, "new"), blocks.V1); err != nil {
		t.Fatal(err)
	}
	c = connect(t, web, "a")
	c.MustSend(t, testkit.SyncStep1(emptyStateVector))
	c.MustAwait(t, testkit.SyncStep2(typed(8, 0, "new")))
}

func TestUnsupportedStore(t *testing.T) {
	s := faulty.New(memstore.New())
	s.Set(faulty.Fail(errors.ErrUnsupported), faulty.Create, faulty.Delete)
	server, _ := running(t, config{Store: s})
	d := server.Document("a")
	wantError(t, "Create", d.Create(t.Context(), hello, blocks.V1), document.ErrUnsupported)
	wantError(t, "Delete", d.Delete(t.Context()), document.ErrUnsupported)
}

func TestNoResponse(t *testing.T) {
	s, gate := faulty.New(memstore.New()), faulty.NewGate()
	s.Set(gate.Wait, faulty.Load)
	server, _ := running(t, config{Store: s})
	defer close(gate.Release)
	d := server.Document("a")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := d.Update(ctx, blocks.V1)
	wantError(t, "Update", err, document.ErrTimeout)
	wantError(t, "Update", err, context.DeadlineExceeded)
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantError(t, "Apply", d.Apply(ctx, hello, blocks.V1), document.ErrTimeout)
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, err := range d.Changes(ctx, event.Mark{}) {
		wantError(t, "Changes", err, document.ErrTimeout)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = d.Update(ctx, blocks.V1)
	wantError(t, "Update", err, context.Canceled)
}

func TestDocumentAfterClose(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("a")
	if err := d.Apply(t.Context(), hello, blocks.V1); err != nil {
		t.Fatal(err)
	}
	began, ended := make(chan struct{}), make(chan error)
	go func() {
		for c, err := range d.Changes(t.Context(), event.Mark{}) {
			if err != nil {
				ended <- err
				return
			}
			if !c.Whole || !bytes.Equal(c.Update, hello) {
				t.Errorf("the stream begins with %+v", c)
			}
			close(began)
		}
	}()
	<-began
	server.Drain()
	wantError(t, "Changes", <-ended, document.ErrClosed)
	wantDocument(t, d, hello) // until Close
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := d.Update(t.Context(), blocks.V1)
	wantError(t, "Update", err, document.ErrClosed)
	wantError(t, "Apply", d.Apply(t.Context(), hello, blocks.V1), document.ErrClosed)
}
