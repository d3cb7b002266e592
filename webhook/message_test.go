package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/yjs"
)

// logOf returns a log of the update that f makes.
func logOf(t *testing.T, f func(doc *yjs.Doc) error) store.Log {
	t.Helper()
	doc := yjs.New()
	update, err := doc.Transact(func() error { return f(doc) })
	if err != nil {
		t.Fatal(err)
	}
	return store.Log{Entries: []store.Entry{{Encoding: store.V1, Data: update}}, Positions: []store.Position{1}}
}

// document has roots of several kinds.
func document(doc *yjs.Doc) error {
	fragment, err := doc.XMLFragment("default")
	if err != nil {
		return err
	}
	heading, err := fragment.InsertElement(0, "heading")
	if err != nil {
		return err
	}
	text, err := heading.InsertText(0)
	if err != nil {
		return err
	}
	if err := text.Insert(0, "Minutes", nil); err != nil {
		return err
	}
	paragraph, err := fragment.InsertElement(1, "paragraph")
	if err != nil {
		return err
	}
	if text, err = paragraph.InsertText(0); err != nil {
		return err
	}
	if err := text.Insert(0, "Present: Ada", nil); err != nil {
		return err
	}
	if err := text.Format(9, 3, yjs.Object{{Key: "strong", Value: yjs.ObjectValue()}}); err != nil {
		return err
	}
	notes, err := doc.Text("notes")
	if err != nil {
		return err
	}
	if err := notes.Insert(0, "one\ntwo", nil); err != nil {
		return err
	}
	board, err := doc.Map("board")
	if err != nil {
		return err
	}
	if err := board.Set("card", yjs.StringValue("<Call> & ask")); err != nil {
		return err
	}
	return board.Set("done", yjs.BoolValue(true))
}

func TestContent(t *testing.T) {
	log := logOf(t, document)
	for content, want := range map[Content]string{
		ContentText: `"Minutes\nPresent: Ada\none\ntwo\n\u003cCall\u003e \u0026 ask"`,
		ContentJSON: `{"default":"<heading>Minutes</heading><paragraph>Present: <strong>Ada</strong></paragraph>",` +
			`"notes":"one\ntwo","board":{"card":"<Call> & ask","done":true}}`,
	} {
		got, err := content.of(log)
		if err != nil || string(got) != want {
			t.Errorf("%s is %s (%v), want %s", content, got, err, want)
		}
	}
	log.Entries[0].Data = []byte("damaged")
	if got, err := ContentText.of(log); err == nil || !strings.Contains(err.Error(), "entry 1") {
		t.Errorf("the text of a damaged log is %s (%v)", got, err)
	}
}

// A document that is too large is reported without its content.
func TestContentLimit(t *testing.T) {
	w := newWorld(t)
	w.hook.ContentLimit = 1000
	large := store.Entry{Encoding: store.V1, Data: testkit.Typed(1, 0, strings.Repeat("x", 2000))}
	if _, err := w.store.Create(t.Context(), "large", large); err != nil {
		t.Fatal(err)
	}
	w.edit("larg") // whose name is the beginning of the other's
	f := w.feed()
	m, err := f.requestFor(t.Context(), store.Notice{Room: "large", Kind: store.NoticeChanged, Position: 1})
	if err != nil || !strings.Contains(string(m.body), `"omitted":"the document has 2`) || strings.Contains(string(m.body), "content\"") {
		t.Errorf("the request of a large document is %s (%v)", m.body, err)
	}
	m, err = f.requestFor(t.Context(), store.Notice{Room: "larg", Kind: store.NoticeChanged, Position: 1})
	if err != nil || !strings.Contains(string(m.body), `"content":"a"`) {
		t.Errorf("the request of a small document is %s (%v)", m.body, err)
	}
}

// The id of a request is that of the state of the room.
func TestRequestID(t *testing.T) {
	w := newWorld(t)
	f := w.feed()
	w.edit("room")
	id := func(kind store.NoticeKind, revision int64) string {
		q, err := f.requestFor(t.Context(), store.Notice{Room: "room", Kind: kind, Position: 1, ID: 1, Revision: revision})
		if err != nil {
			t.Fatal(err)
		}
		return q.id
	}
	created, first := id(store.NoticeCreated, 1), id(store.NoticeChanged, 1)
	if again := id(store.NoticeChanged, 1); again != first || created == first {
		t.Errorf("the ids are %s, %s and %s", created, first, again)
	}
	if cut := id(store.NoticeChanged, 2); cut == first {
		t.Errorf("a document that was set back has the id %s of before", first)
	}
	w.edit("room")
	if second := id(store.NoticeChanged, 1); second == first {
		t.Errorf("two states have the id %s", first)
	}
	q, err := f.requestFor(t.Context(), store.Notice{Room: "nothing", Kind: store.NoticeChanged, Position: 1})
	if q != nil || err != nil {
		t.Errorf("a room that doesn't exist has the request %+v (%v)", q, err)
	}
}

// The request in docs/webhooks.md has the members of a request.
func TestDocumentedRequest(t *testing.T) {
	blocks, err := markdown.Blocks(os.DirFS(".."), "json")
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, b := range blocks {
		if b.File != "docs/webhooks.md" {
			continue
		}
		found = true
		var shown Message
		d := json.NewDecoder(strings.NewReader(b.Text))
		d.DisallowUnknownFields()
		if err := d.Decode(&shown); err != nil {
			t.Fatal(err)
		}
		again, err := json.MarshalIndent(shown, "", "  ")
		if err != nil || string(again)+"\n" != b.Text {
			t.Errorf("the request is shown as\n%s\nand would be (%v)\n%s", b.Text, err, again)
		}
	}
	if !found {
		t.Error("docs/webhooks.md shows no request")
	}
}

// A damaged document is reported without its content, and only the log says what is wrong with it.
func TestDamagedDocument(t *testing.T) {
	w := newWorld(t)
	if _, err := w.store.Create(t.Context(), "room", store.Entry{Encoding: store.V1, Data: []byte("damaged")}); err != nil {
		t.Fatal(err)
	}
	f := w.feed()
	var logged strings.Builder
	f.log = slog.New(slog.NewTextHandler(&logged, nil))
	q, err := f.requestFor(t.Context(), store.Notice{Room: "room", Kind: store.NoticeChanged, Position: 1})
	if err != nil || !strings.Contains(string(q.body), `"omitted":"the document can't be written as text: the log of yroom says why"`) {
		t.Errorf("the request of a damaged document is %s (%v)", q.body, err)
	}
	if !strings.Contains(logged.String(), "room=room") || !strings.Contains(logged.String(), "entry 1") {
		t.Errorf("the log is %q, want the room and the entry", logged.String())
	}
}

// countingStore counts the calls of LoadAfter at once.
type countingStore struct {
	Store

	now, most atomic.Int64
}

// LoadAfter implements store.Store.
func (s *countingStore) LoadAfter(ctx context.Context, room string, after store.Position) (store.Log, error) {
	s.most.Store(max(s.most.Load(), s.now.Add(1)))
	defer s.now.Add(-1)
	time.Sleep(time.Second)
	return s.Store.LoadAfter(ctx, room, after)
}

// Large rooms are read one after the other, whatever the content of requests.
func TestLargeRoomsAreReadOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.hook.Content = ContentNone
		counting := &countingStore{Store: w.store}
		w.reads = counting
		for i := range 8 {
			large := store.Entry{Encoding: store.V1, Data: testkit.Typed(1, 0, strings.Repeat("x", largeDocument))}
			if _, err := w.store.Create(t.Context(), fmt.Sprint(i), large); err != nil {
				t.Fatal(err)
			}
		}
		w.run()
		time.Sleep(time.Minute)
		w.wantNotices(0, 0)
		if most := counting.most.Load(); most != 1 {
			t.Errorf("%d large rooms were read at once", most)
		}
	})
}
