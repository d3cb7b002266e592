package yroom_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/room"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/store/storetest"
	"github.com/yroom/yroom/yjs"
)

// typed is the V1 update of a client who types text, of less than 128 bytes,
// behind its own clock elements in the root "text".
func typed(client, clock byte, text string) []byte {
	b := []byte{1, 1, client, clock}
	if clock == 0 {
		b = append(b, 4, 1, 4, 't', 'e', 'x', 't')
	} else {
		b = append(b, 0x84, client, clock-1)
	}
	b = append(b, byte(len(text)))
	return append(append(b, text...), 0)
}

// merged is the document that updates make.
func merged(t *testing.T, updates ...[]byte) []byte {
	t.Helper()
	doc := blocks.New()
	for _, u := range updates {
		if _, err := doc.Apply(u, blocks.V1); err != nil {
			t.Fatal(err)
		}
	}
	return doc.Encode(blocks.V1)
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func wantDocument(t *testing.T, d *yroom.Document, updates ...[]byte) {
	t.Helper()
	if got := must[[]byte](t)(d.Update(t.Context(), yroom.V1)); !bytes.Equal(got, merged(t, updates...)) {
		t.Errorf("the document is %q, want %q", got, merged(t, updates...))
	}
}

// A document reads the same whether its room is in memory or only stored.
func TestDocumentIsRead(t *testing.T) {
	kept := memstore.New()
	if _, err := kept.Append(t.Context(), "stored", store.Entry{Encoding: store.V1, Data: hello}); err != nil {
		t.Fatal(err)
	}
	server, web := running(t, yroom.Config{Store: kept})
	c := connect(t, web, "open")
	send(t, c, update(hello))
	await(t, c, update(hello))

	rest := typed(1, 2, "llo") // hello without its first letters
	rest = append(rest[:len(rest)-1], 0)
	v2 := must[[]byte](t)(blocks.Convert(blocks.V1, blocks.V2, hello))
	for _, name := range []string{"stored", "ws/open"} {
		d := server.Document(name)
		for _, test := range []struct {
			name string
			want []byte
			got  func() ([]byte, error)
		}{
			{"Update in V1", hello, func() ([]byte, error) { return d.Update(t.Context(), yroom.V1) }},
			{"Update in V2", v2, func() ([]byte, error) { return d.Update(t.Context(), yroom.V2) }},
			{"StateVector", []byte{1, 1, 5}, func() ([]byte, error) { return d.StateVector(t.Context()) }},
			{"Diff", rest, func() ([]byte, error) { return d.Diff(t.Context(), []byte{1, 1, 2}, yroom.V1) }},
			{"Diff from nothing", hello, func() ([]byte, error) { return d.Diff(t.Context(), emptyStateVector, yroom.V1) }},
		} {
			if diff := cmp.Diff(test.want, must[[]byte](t)(test.got())); diff != "" {
				t.Errorf("%s: %s (-want +got)\n%s", name, test.name, diff)
			}
		}
		_, err := d.Diff(t.Context(), nil, yroom.V1)
		wantError(t, name+": Diff from what is no state vector", err, yroom.ErrMalformed)
		_, err = d.Update(t.Context(), 3)
		wantError(t, name+": an encoding that is none", err, blocks.ErrEncoding)

		// A mark leads on from what was read.
		a := must[yroom.Answer](t)(server.Query(t.Context(), name, yroom.Mark{}))
		mark, err := yroom.ParseMark(yroom.FormatMark(a.At))
		if err != nil || !mark.Opened.Equal(a.At.Opened) || mark.Seq != a.At.Seq || a.At.Opened.IsZero() != (name == "stored") {
			t.Errorf("%s: the mark %+v was read again as %+v, %v", name, a.At, mark, err)
		}
		if a = must[yroom.Answer](t)(server.Query(t.Context(), name, mark)); a.Update != nil {
			t.Errorf("%s: nothing is new, but the answer is %+v", name, a)
		}
	}
	if rooms := server.Rooms(); len(rooms) != 1 {
		t.Errorf("rooms %q are in memory", rooms)
	}
}

func TestDocumentThatIsNotThere(t *testing.T) {
	server, web := running(t, yroom.Config{})
	d := server.Document("ws/none")
	for _, step := range []string{"never written to", "deleted"} {
		_, err := d.Update(t.Context(), yroom.V1)
		wantError(t, step+": Update", err, yroom.ErrUnavailable)
		_, err = d.StateVector(t.Context())
		wantError(t, step+": StateVector", err, yroom.ErrUnavailable)
		_, err = d.Read(t.Context())
		wantError(t, step+": Read", err, yroom.ErrUnavailable)
		wantError(t, step+": Delete", d.Delete(t.Context()), yroom.ErrUnavailable)
		for _, err := range d.Changes(t.Context(), yroom.Mark{}) {
			wantError(t, step+": Changes", err, yroom.ErrUnavailable)
		}
		if step == "deleted" {
			wantError(t, "Apply", d.Apply(t.Context(), hello, yroom.V1), yroom.ErrUnavailable)
			break
		}
		if err := errors.Join(d.Apply(t.Context(), hello, yroom.V1), d.Delete(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	// Somebody is in it, so it is there.
	if err := d.Create(t.Context(), nothing, yroom.V1); err != nil {
		t.Fatal(err)
	}
	enter(t, web, "none")
	wantDocument(t, d)
}

// An array that holds nothing but types is a text without characters to who asks
// for one.
func TestArrayReadAsText(t *testing.T) {
	server, _ := running(t, yroom.Config{})
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
	if text, err := d.Text(t.Context(), "cards"); text != "" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	_, err := d.Map(t.Context(), "cards")
	wantError(t, "as a map", err, yjs.ErrType)
}

func TestNamesThatNoRoomCanHave(t *testing.T) {
	server, _ := running(t, yroom.Config{})
	for _, name := range []string{"", " ", "a\x00", "\xff", string(bytes.Repeat([]byte("x"), 256))} {
		d := server.Document(name)
		wantError(t, "Apply", d.Apply(t.Context(), hello, yroom.V1), yroom.ErrUnavailable)
		wantError(t, "Create", d.Create(t.Context(), hello, yroom.V1), yroom.ErrUnavailable)
		_, err := d.Update(t.Context(), yroom.V1)
		wantError(t, "Update", err, yroom.ErrUnavailable)
	}
	if rooms := server.Rooms(); len(rooms) > 0 {
		t.Errorf("rooms %q", rooms)
	}
}

func TestApplyIsSeenByThePeople(t *testing.T) {
	kept := memstore.New()
	server, web := running(t, yroom.Config{Store: kept})
	c := connect(t, web, "a")
	send(t, c, update(typed(7, 0, "a")))
	await(t, c, update(typed(7, 0, "a")))
	d := server.Document("ws/a")
	v2 := must[[]byte](t)(blocks.Convert(blocks.V1, blocks.V2, typed(8, 0, "b")))
	given := bytes.Clone(v2)
	if err := d.Apply(t.Context(), given, yroom.V2); err != nil {
		t.Fatal(err)
	}
	if log := must[store.Log](t)(kept.Load(t.Context(), "ws/a")); len(log.Entries) != 2 {
		t.Errorf("%d entries are stored", len(log.Entries))
	}
	clear(given) // it was borrowed
	await(t, c, update(typed(8, 0, "b")))
	own := typed(8, 1, "c")
	if err := d.Apply(t.Context(), own, yroom.V1); err != nil {
		t.Fatal(err)
	}
	clear(own)
	await(t, c, update(typed(8, 1, "c")))

	wantError(t, "no update", d.Apply(t.Context(), []byte("hello"), yroom.V1), yroom.ErrMalformed)
	wantError(t, "no update in V2", d.Apply(t.Context(), []byte("hello"), yroom.V2), yroom.ErrMalformed)
	wantError(t, "an update that yjs can't integrate", d.Apply(t.Context(), []byte("\x01\x01\x07\x01\x84\x07\x05\x01x\x00"), yroom.V1), yroom.ErrMalformed)
	wantError(t, "no encoding", d.Apply(t.Context(), hello, 0), blocks.ErrEncoding)
	wantDocument(t, d, typed(7, 0, "a"), typed(8, 0, "bc"))
}

func TestApplyPastTheLimit(t *testing.T) {
	server, _ := running(t, yroom.Config{Rooms: map[string]yroom.Settings{"default": {Limits: yroom.Limits{Document: 300}}}})
	d := server.Document("a")
	wantError(t, "Create", d.Create(t.Context(), typed(7, 0, string(bytes.Repeat([]byte("x"), 100))), yroom.V1), yroom.ErrLimit)
	if err := d.Create(t.Context(), typed(7, 0, "a"), yroom.V1); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Apply", d.Apply(t.Context(), typed(8, 0, string(bytes.Repeat([]byte("x"), 100))), yroom.V1), yroom.ErrLimit)
	wantDocument(t, d, typed(7, 0, "a"))
}

// However many applications find a room empty and fill it, its content is there
// once, for the people who wait in it too.
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
	one, web := running(t, yroom.Config{Store: kept})
	two, other := running(t, yroom.Config{Store: kept})
	enter(t, web, "waited-in")
	enter(t, other, "waited-in")
	for _, name := range []string{"ws/empty", "ws/waited-in", "ws/deleted"} {
		if name == "ws/deleted" {
			if err := errors.Join(one.Document(name).Apply(t.Context(), hello, yroom.V1), one.Document(name).Delete(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		var seeded atomic.Int32
		var winner atomic.Uint32
		var seeding sync.WaitGroup
		for i := range byte(seeders) {
			d := []*yroom.Server{one, two}[i%2].Document(name)
			seeding.Go(func() {
				switch err := d.Create(t.Context(), typed(1+i, 0, "template"), yroom.V1); {
				case err == nil:
					seeded.Add(1)
					winner.Store(uint32(1 + i))
				case !errors.Is(err, yroom.ErrExists):
					t.Errorf("%s: Create: %v", name, err)
				}
			})
		}
		seeding.Wait()
		if n := seeded.Load(); n != 1 {
			t.Errorf("%s: %d have seeded it", name, n)
		}
		log := must[store.Log](t)(kept.Load(t.Context(), name))
		want := typed(byte(winner.Load()), 0, "template")
		if len(log.Entries) != 1 || !bytes.Equal(log.Entries[0].Data, want) {
			t.Errorf("%s: %d entries are stored, the first %q, want %q", name, len(log.Entries), log.Entries[0].Data, want)
		}
		// Both know it, as soon as a room that was open without it has been loaded again.
		for _, server := range []*yroom.Server{one, two} {
			for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				got, err := server.Document(name).Update(t.Context(), yroom.V1)
				if bytes.Equal(got, want) {
					break
				}
				if time.Now().After(end) {
					t.Fatalf("%s: the document is %q (%v), want %q", name, got, err, want)
				}
			}
		}
	}
}

func TestCreateIsSeenByThePeople(t *testing.T) {
	server, web := running(t, yroom.Config{})
	c := enter(t, web, "a")
	d := server.Document("ws/a")
	if err := d.Create(t.Context(), typed(8, 0, "template"), yroom.V1); err != nil {
		t.Fatal(err)
	}
	await(t, c, update(typed(8, 0, "template")))
	wantError(t, "again", d.Create(t.Context(), hello, yroom.V1), yroom.ErrExists)
	wantError(t, "no update", d.Create(t.Context(), []byte{1}, yroom.V1), yroom.ErrMalformed)
	wantDocument(t, d, typed(8, 0, "template"))
}

func TestDeletedRoomTurnsPeopleAway(t *testing.T) {
	server, web := running(t, yroom.Config{})
	d := server.Document("ws/a")
	c := connect(t, web, "a")
	send(t, c, update(hello))
	await(t, c, update(hello))
	if err := d.Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 { // each comes back with what it has
		if code, err := c.AwaitClose(); code != 4404 || err != nil {
			t.Fatalf("closed with %d, %v", code, err)
		}
		c = connect(t, web, "a")
		_ = c.Send(update(hello)) // the line may be closed already
	}
	if err := d.Create(t.Context(), typed(8, 0, "new"), yroom.V1); err != nil {
		t.Fatal(err)
	}
	c = connect(t, web, "a")
	send(t, c, syncStep1(emptyStateVector))
	await(t, c, syncStep2(typed(8, 0, "new")))
}

func TestStoresThatCanNot(t *testing.T) {
	server, _ := running(t, yroom.Config{Store: storetest.Basic(memstore.New())})
	d := server.Document("a")
	wantError(t, "Create", d.Create(t.Context(), hello, yroom.V1), yroom.ErrUnsupported)
	wantError(t, "Delete", d.Delete(t.Context()), yroom.ErrUnsupported)
}

// slow is a store whose loads take until it is let go.
type slow struct {
	store.Store

	let chan struct{}
}

func (s slow) Load(ctx context.Context, name string) (store.Log, error) {
	select {
	case <-s.let:
	case <-ctx.Done():
	}
	return s.Store.Load(ctx, name)
}

func TestNobodyAnswers(t *testing.T) {
	let := make(chan struct{})
	server, _ := running(t, yroom.Config{Store: slow{memstore.New(), let}})
	defer close(let)
	d := server.Document("a")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := d.Update(ctx, yroom.V1)
	wantError(t, "Update", err, yroom.ErrTimeout)
	wantError(t, "Update", err, context.DeadlineExceeded)
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantError(t, "Apply", d.Apply(ctx, hello, yroom.V1), yroom.ErrTimeout)
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for _, err := range d.Changes(ctx, yroom.Mark{}) {
		wantError(t, "Changes", err, yroom.ErrTimeout)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = d.Update(ctx, yroom.V1)
	wantError(t, "Update", err, context.Canceled)
}

func TestDocumentAfterShutdown(t *testing.T) {
	server, err := yroom.New(yroom.Config{})
	if err != nil {
		t.Fatal(err)
	}
	d := server.Document("a")
	if err := d.Apply(t.Context(), hello, yroom.V1); err != nil {
		t.Fatal(err)
	}
	began, ended := make(chan struct{}), make(chan error)
	go func() {
		for c, err := range d.Changes(t.Context(), yroom.Mark{}) {
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
	if err := server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantError(t, "Changes", <-ended, yroom.ErrClosed)
	_, err = d.Update(t.Context(), yroom.V1)
	wantError(t, "Update", err, yroom.ErrClosed)
	wantError(t, "Apply", d.Apply(t.Context(), hello, yroom.V1), yroom.ErrClosed)
}

func ExampleFormatMark() {
	mark := yroom.Mark{Opened: time.Unix(0, 1_700_000_000_000_000_001), Seq: 7}
	fmt.Println(yroom.FormatMark(mark))
	again, err := yroom.ParseMark("1700000000000000001.7")
	fmt.Println(again.Opened.Equal(mark.Opened), again.Seq, err)
	// Output:
	// 1700000000000000001.7
	// true 7 <nil>
}

func TestParseMarkRefuses(t *testing.T) {
	for _, s := range []string{"", "1", "1.", ".1", "1.2.3", "1.-2", "x.1", "1.99999999999999999999", "1.2 "} {
		if m, err := yroom.ParseMark(s); err == nil {
			t.Errorf("%q was read as %+v", s, m)
		}
	}
	var zero room.Mark
	if m, err := yroom.ParseMark(yroom.FormatMark(zero)); err != nil || m != zero {
		t.Errorf("the zero mark was read as %+v, %v", m, err)
	}
}
