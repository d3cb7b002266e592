package document_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/worker"
	"github.com/yroom/yroom/yjs"
)

// adding returns a function that appends text to the root "text".
func adding(text string) func(*yjs.Doc) error {
	return func(doc *yjs.Doc) error {
		t, err := doc.Text("text")
		if err != nil {
			return err
		}
		return t.Insert(t.Len(), text, nil)
	}
}

func edit(t *testing.T, d *document.Document, text string) {
	t.Helper()
	if err := d.Edit(t.Context(), adding(text)); err != nil {
		t.Fatal(err)
	}
}

func wantText(t *testing.T, d *document.Document, want string) {
	t.Helper()
	if got := must[string](t)(d.Text(t.Context(), "text")); got != want {
		t.Errorf("the text is %q, want %q", got, want)
	}
}

func TestExports(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("a")
	if err := d.Create(t.Context(), nothing, blocks.V1); err != nil {
		t.Fatal(err)
	}
	type export struct{ Text, Delta, Array, Map, Fragment, ProseMirror, Element, XMLText string }
	exports := func() (e export) {
		e.Text = must[string](t)(d.Text(t.Context(), "text"))
		e.Delta = string(must[[]byte](t)(must[yjs.Delta](t)(d.Delta(t.Context(), "text")).MarshalJSON()))
		e.Array = string(must[[]byte](t)(d.Array(t.Context(), "array")))
		e.Map = string(must[[]byte](t)(d.Map(t.Context(), "map")))
		e.Fragment = must[string](t)(d.XMLFragment(t.Context(), "xml_fragment"))
		e.ProseMirror = string(must[[]byte](t)(d.ProseMirror(t.Context(), "xml_fragment")))
		e.Element = must[string](t)(d.XMLElement(t.Context(), "xml_element"))
		e.XMLText = must[string](t)(d.XMLText(t.Context(), "xml_text"))
		return e
	}
	want := export{"", "[]", "[]", "{}", "", `{"type":"doc","content":[]}`, "<xml_element></xml_element>", ""}
	if diff := cmp.Diff(want, exports()); diff != "" {
		t.Errorf("an empty document (-want +got)\n%s", diff)
	}
	if err := d.Edit(t.Context(), func(doc *yjs.Doc) error {
		text, err1 := doc.Text("text")
		array, err2 := doc.Array("array")
		m, err3 := doc.Map("map")
		fragment, err4 := doc.XMLFragment("xml_fragment")
		element, err5 := doc.XMLElement("xml_element")
		xmlText, err6 := doc.XMLText("xml_text")
		if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
			return err
		}
		p, err := fragment.InsertElement(0, "p")
		if err != nil {
			return err
		}
		inner, err := element.InsertElement(0, "p")
		if err != nil {
			return err
		}
		hello, err := inner.InsertText(0)
		if err != nil {
			return err
		}
		world, err := element.InsertText(1)
		if err != nil {
			return err
		}
		return errors.Join(
			text.Insert(0, "hello", yjs.Object{{Key: "bold", Value: yjs.BoolValue(true)}}),
			array.Push(yjs.NumberValue(1), yjs.StringValue("ä")),
			m.Set("key", yjs.BoolValue(true)),
			p.SetAttribute("a", yjs.StringValue("b")),
			hello.Insert(0, "hello", nil),
			world.Insert(0, "world", nil),
			xmlText.Insert(0, "x", nil),
		)
	}); err != nil {
		t.Fatal(err)
	}
	want = export{
		"hello", `[{"insert":"hello","attributes":{"bold":true}}]`, `[1,"ä"]`, `{"key":true}`,
		`<p a="b"></p>`, `{"type":"doc","content":[{"type":"p","attrs":{"a":"b"}}]}`, "<xml_element><p>hello</p>world</xml_element>", "x",
	}
	if diff := cmp.Diff(want, exports()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	_, err := d.Map(t.Context(), "text")
	wantError(t, "a text read as a map", err, yjs.ErrType)
	_, err = server.Document("none").Text(t.Context(), "text")
	wantError(t, "a room that is not there", err, document.ErrNotFound)

	whole := must[[]byte](t)(d.JSON(t.Context(), map[string]yjs.Kind{"xml_text": yjs.KindXMLText}))
	for _, part := range []string{`"text":"hello"`, `"array":[1,"ä"]`, `"map":{"key":true}`, `"xml_fragment":"<p a=\"b\"></p>"`, `"xml_text":"x"`} {
		if !strings.Contains(string(whole), part) {
			t.Errorf("the document as JSON is %s, which lacks %s", whole, part)
		}
	}
}

// TestExportsThatAreTooLarge exports a small document that would be huge with its
// formats.
func TestExportsThatAreTooLarge(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("a")
	if err := d.Edit(t.Context(), func(doc *yjs.Doc) error {
		text, err := doc.XMLText("text")
		if err != nil {
			return err
		}
		long := yjs.StringValue(strings.Repeat("x", 100<<10))
		err = text.Insert(0, strings.Repeat("x", 1000), yjs.Object{{Key: "long", Value: long}})
		for i := range 1000 {
			err = errors.Join(err, text.Format(i, 1, yjs.Object{{Key: "n", Value: yjs.NumberValue(float64(i))}}))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	_, err := d.XMLText(t.Context(), "text")
	wantError(t, "as XML", err, yjs.ErrSize)
	_, err = d.JSON(t.Context(), nil)
	wantError(t, "as JSON", err, yjs.ErrSize)
	if got := len(must[string](t)(d.Text(t.Context(), "text"))); got != 1000 {
		t.Errorf("text of %d bytes", got)
	}
}

// Many edits add one client, whether the room stays in memory or not.
func TestEditsShareAClient(t *testing.T) {
	server, web := running(t, config{Rooms: map[string]worker.Settings{"short": {RemoveDelay: time.Millisecond}}})
	for _, name := range []string{"ws/a", "short.a"} {
		d := server.Document(name)
		edit(t, d, "a")
		if name == "ws/a" {
			c := connect(t, web, "a")
			c.MustSend(t, testkit.Update(typed(7, 0, "b")))
			c.MustAwait(t, testkit.Update(typed(7, 0, "b")))
			edit(t, d, "c")
			if text := must[string](t)(d.Text(t.Context(), "text")); text != "abc" && text != "bac" {
				t.Errorf("the text is %q", text)
			}
		}
		const edits = 40
		var editing sync.WaitGroup
		for range edits {
			editing.Go(func() { edit(t, d, "x") })
		}
		editing.Wait()
		text := must[string](t)(d.Text(t.Context(), "text"))
		all := clients(t, d)
		delete(all, 7)
		if len(all) != 1 || strings.Count(text, "x") != edits {
			t.Errorf("%s: clients %v; the text is %q", name, all, text)
		}
	}
}

// An id is replaced when it is not certain what was written with it.
func TestEditTakesANewClient(t *testing.T) {
	server, _ := running(t, config{})
	broken := errors.New("fn has failed")
	var last uint64
	used := func(d *document.Document) uint64 {
		t.Helper()
		if err := d.Edit(t.Context(), func(doc *yjs.Doc) error {
			last = doc.ClientID()
			return adding("x")(doc)
		}); err != nil {
			t.Fatal(err)
		}
		return last
	}
	for _, test := range []struct {
		name  string
		same  bool
		event func(d *document.Document) error
	}{
		{"nothing", true, func(*document.Document) error { return nil }},
		{"an edit that changes nothing", true, func(d *document.Document) error {
			return d.Edit(t.Context(), func(*yjs.Doc) error { return nil })
		}},
		{"an edit that fails before it changes anything", true, func(d *document.Document) error {
			wantError(t, "Edit", d.Edit(t.Context(), func(*yjs.Doc) error { return broken }), broken)
			return nil
		}},
		{"an edit that fails in the middle", false, func(d *document.Document) error {
			wantError(t, "Edit", d.Edit(t.Context(), func(doc *yjs.Doc) error { return errors.Join(adding("lost")(doc), broken) }), broken)
			return nil
		}},
		{"a panic", false, func(d *document.Document) error {
			defer func() { _ = recover() }()
			return d.Edit(t.Context(), func(*yjs.Doc) error { panic("planted") })
		}},
		{"an edit whose outcome is unknown", false, func(d *document.Document) error {
			ctx, cancel := context.WithCancel(t.Context())
			wantError(t, "Edit", d.Edit(ctx, func(doc *yjs.Doc) error {
				cancel()
				return adding("x")(doc)
			}), context.Canceled)
			return nil
		}},
		{"a room that was deleted and created again", false, func(d *document.Document) error {
			return errors.Join(d.Delete(t.Context()), d.Create(t.Context(), hello, blocks.V1))
		}},
		{"another program that writes with the same id", false, func(d *document.Document) error {
			doc := must[*yjs.Doc](t)(d.Read(t.Context()))
			own := yjs.NewWith(yjs.Options{ClientID: last})
			if err := own.Apply(doc.Encode(blocks.V1), blocks.V1); err != nil {
				return err
			}
			update, err := own.Transact(func() error { return adding("x")(own) })
			return errors.Join(err, d.Apply(t.Context(), update, blocks.V1))
		}},
	} {
		d := server.Document(test.name)
		before := used(d)
		if err := test.event(d); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if after := used(d); (after == before) != test.same {
			t.Errorf("%s: client %d, then %d", test.name, before, after)
		}
	}

	// Another program takes the same id while fn runs.
	d := server.Document("taken")
	used(d)
	wantError(t, "Edit", d.Edit(t.Context(), func(doc *yjs.Doc) error {
		stolen := yjs.NewWith(yjs.Options{ClientID: doc.ClientID()})
		if err := stolen.Apply(doc.Encode(blocks.V1), blocks.V1); err != nil {
			return err
		}
		update, err := stolen.Transact(func() error { return adding("theirs")(stolen) })
		return errors.Join(err, d.Apply(t.Context(), update, blocks.V1), adding("ours")(doc))
	}), document.ErrConflict)
	used(d)
	wantText(t, d, "xtheirsx")
}

func TestEditIsRefused(t *testing.T) {
	server, _ := running(t, config{Rooms: map[string]worker.Settings{"small": {Room: room.Config{Blocks: blocks.Options{MaxSize: 3000}}}}})
	small := server.Document("small")
	edit(t, small, "x")
	wantError(t, "past the limit", small.Edit(t.Context(), adding(strings.Repeat("x", 3000))), document.ErrLimit)
	edit(t, small, "y")
	wantText(t, small, "xy")

	gone := server.Document("gone")
	edit(t, gone, "x")
	if err := gone.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantError(t, "a room that was deleted", gone.Edit(t.Context(), adding("x")), document.ErrNotFound)

	// An edit that waits too long fails.
	busy := server.Document("busy")
	if err := busy.Edit(t.Context(), func(*yjs.Doc) error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		wantError(t, "behind another edit", busy.Edit(ctx, adding("x")), document.ErrTimeout)
		edit(t, small, "z") // another room
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// awaitState reads until a client's awareness state, or its removal, has arrived.
func awaitState(t *testing.T, c interface {
	Read() (ws.OpCode, []byte, error)
}, want string,
) (client uint64) {
	t.Helper()
	for {
		_, frame, err := c.Read()
		if err != nil {
			t.Fatal(err)
		}
		m, _, ok, err := protocol.Plain{}.Next(frame)
		if err != nil || !ok || m.Type != protocol.Awareness || m.Data[0] == 0 {
			continue
		}
		client, _ := binary.Uvarint(m.Data[1:])
		if bytes.HasSuffix(m.Data, []byte(want)) {
			return client
		}
	}
}

// TestEditAfterAKeptDoc changes the Doc of an edit after the edit, which is not
// allowed.
func TestEditAfterAKeptDoc(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("a")
	edit(t, d, "1")
	var kept *yjs.Doc
	if err := d.Edit(t.Context(), func(doc *yjs.Doc) error {
		kept = doc
		return adding("2")(doc)
	}); err != nil {
		t.Fatal(err)
	}
	if err := adding("lost")(kept); err != nil {
		t.Fatal(err)
	}
	edit(t, d, "3")
	wantText(t, d, "123")
}

func TestEditAs(t *testing.T) {
	server, web := running(t, config{})
	c := enter(t, web, "a")
	d := server.Document("ws/a")
	const state = `{"user":{"name":"Büro","color":"#ffa500"}}`
	editing := make(chan uint64)
	done := make(chan error, 1)
	go func() {
		done <- d.EditAs(t.Context(), document.Presence{Name: "Büro", Color: "#ffa500"}, func(doc *yjs.Doc) error {
			editing <- doc.ClientID()
			<-editing
			return adding("x")(doc)
		})
	}()
	client := <-editing
	if shown := awaitState(t, c, state); shown != client {
		t.Errorf("client %d is shown, %d edits", shown, client)
	}
	editing <- 0
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	// The next edit uses the same connection.
	if err := d.EditAs(t.Context(), document.Presence{Name: "Amt"}, adding("y")); err != nil {
		t.Fatal(err)
	}
	awaitState(t, c, `{"user":{"name":"Amt"}}`)
	a := must[document.Info](t)(server.Document("ws/a").Query(t.Context(), event.Mark{}))
	if len(a.Members) != 2 || len(a.States) != 1 || a.States[0].Client != client || a.States[0].Clock != 2 {
		t.Errorf("members %+v, states %+v", a.Members, a.States)
	}
	awaitState(t, c, "null")
	if lingered := time.Since(began); lingered < 2*time.Second {
		t.Errorf("gone after %v", lingered)
	}
	// A presence that is shown again is not mistaken for an echo of the previous one.
	if err := d.EditAs(t.Context(), document.Presence{Name: "Amt"}, adding("z")); err != nil {
		t.Fatal(err)
	}
	awaitState(t, c, `{"user":{"name":"Amt"}}`)
	wantText(t, d, "xyz")
	if len(clients(t, d)) != 1 {
		t.Errorf("clients %v", clients(t, d))
	}
}

// An update of an edit loads into a document of any other program.
func TestEditIsAnUpdate(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("a")
	for i := range 3 {
		edit(t, d, fmt.Sprint(i))
	}
	if all := clients(t, d); len(all) != 1 {
		t.Errorf("clients %v", all)
	}
	update := must[[]byte](t)(d.Update(t.Context(), blocks.V2))
	other := blocks.New()
	if _, err := other.Apply(update, blocks.V2); err != nil {
		t.Error(err)
	}
}
