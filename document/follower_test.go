package document_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/yjs"
)

// Each edit sees everything that was written before it, by any client or program, and
// also a document that was created again.
func TestEditSeesWhatOthersWrote(t *testing.T) {
	server, web := running(t, config{})
	d := server.Document("ws/a")
	c := enter(t, web, "a")
	want := ""
	see := func(text string) func(*yjs.Doc) error {
		return func(doc *yjs.Doc) error {
			got, err := doc.Text("text")
			if err != nil || got.String() != want {
				return fmt.Errorf("the text is %q, want %q: %w", got, want, err)
			}
			return got.Insert(0, text, nil)
		}
	}
	for i := range byte(3) {
		if err := d.Edit(t.Context(), see("e")); err != nil {
			t.Fatal(err)
		}
		want = must[string](t)(d.Text(t.Context(), "text"))
		if err := d.Apply(t.Context(), typed(100+i, 0, "a"), blocks.V1); err != nil {
			t.Fatal(err)
		}
		c.MustSend(t, testkit.Update(typed(50+i, 0, "p")))
		c.MustAwait(t, testkit.Update(typed(50+i, 0, "p")))
		want = must[string](t)(d.Text(t.Context(), "text"))
		if len(want) != 3*int(i+1) {
			t.Fatalf("the text is %q", want)
		}
	}
	if err := errors.Join(d.Delete(t.Context()), d.Create(t.Context(), typed(9, 0, "again"), blocks.V1)); err != nil {
		t.Fatal(err)
	}
	want = "again"
	if err := d.Edit(t.Context(), see("e")); err != nil {
		t.Fatal(err)
	}
}

// The kind as which an edit requested a root doesn't affect the next edit.
func TestEditsDoNotTypeRoots(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("a")
	edit(t, d, "x")
	for range 2 {
		if err := d.Edit(t.Context(), func(doc *yjs.Doc) error { _, err := doc.Map("open"); return err }); err != nil {
			t.Fatal(err)
		}
		if err := d.Edit(t.Context(), func(doc *yjs.Doc) error { _, err := doc.Array("open"); return err }); err != nil {
			t.Fatal(err)
		}
	}
}

// An edit that panics or fails doesn't affect the next one.
func TestEditThatPanics(t *testing.T) {
	server, _ := running(t, config{})
	d := server.Document("a")
	edit(t, d, "a")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = d.Edit(t.Context(), func(doc *yjs.Doc) error {
			_ = adding("lost")(doc)
			panic("a bug")
		})
	}()
	edit(t, d, "b")
	wantText(t, d, "ab")
}

// A room that was edited is evicted in the end, and its Doc dropped.
func TestEditedRoomIsLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memlayer.New()
		startWorker(t, l, config{})
		server := newDocuments(t, l)
		d := server.Document("a")
		edit(t, d, "a")
		time.Sleep(4 * time.Second)
		edit(t, d, "b") // starts the timer again
		time.Sleep(5*time.Second + 30*time.Second - time.Millisecond)
		synctest.Wait()
		if rooms := open(t, server); len(rooms) != 1 {
			t.Errorf("rooms %q are in memory", rooms)
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if rooms := open(t, server); len(rooms) != 0 {
			t.Errorf("rooms %q are in memory", rooms)
		}
		edit(t, d, "c")
		wantText(t, d, "abc")
	})
}

// An edit of a document that is followed costs what it changes.
func TestEditsInARowAreCheap(t *testing.T) {
	server, _ := running(t, config{})
	cost := func(name string, length int) float64 {
		d := server.Document(name)
		edit(t, d, strings.Repeat("word ", length/5))
		// Many items, not one.
		if err := d.Edit(t.Context(), func(doc *yjs.Doc) error {
			text, err := doc.Text("text")
			for at := 0; at < length && err == nil; at += 10 {
				err = text.Insert(at, "x", nil)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		edit(t, d, "!")
		return testing.AllocsPerRun(20, func() { edit(t, d, "x") })
	}
	if small, large := cost("small", 1000), cost("large", 200_000); large > 2*small+20 {
		t.Errorf("%v allocations for an edit of a small document, %v of a large one", small, large)
	}
}
