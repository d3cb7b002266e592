package document_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/protocol"
)

func TestSetAccess(t *testing.T) {
	documents, web := running(t, config{})
	ada, bob := enter(t, web, "a?token=ada"), enter(t, web, "a?token=bob")
	elsewhere := enter(t, web, "b?token=ada")
	d := documents.Document("ws/a")
	if n, err := d.SetAccess(t.Context(), document.Selection{User: "ada"}, event.AccessPresent); n != 1 || err != nil {
		t.Fatalf("%d connections, %v", n, err)
	}
	ada.MustSend(t, testkit.Update(typed(1, 0, "refused")))
	ada.MustSend(t, testkit.Awareness(testkit.Present(1, 1, `{"is":"here"}`)))
	bob.MustAwait(t, testkit.Awareness(testkit.Present(1, 1, `{"is":"here"}`))) // so the room has handled the update
	wantDocument(t, d)

	members := must[document.Info](t)(d.Query(t.Context(), event.Mark{})).Members
	access := map[string]event.Access{}
	for _, m := range members {
		access[m.User] = m.Access
	}
	want := map[string]event.Access{"ada": event.AccessPresent, "bob": event.AccessPresent | event.AccessWrite}
	if diff := cmp.Diff(want, access); diff != "" {
		t.Errorf("the access of the users (-want +got)\n%s", diff)
	}
	for _, m := range members {
		n, err := d.SetAccess(t.Context(), document.Selection{Conn: m.ID, User: "is ignored"}, event.AccessWrite)
		if n != 1 || err != nil {
			t.Fatalf("%d connections, %v", n, err)
		}
	}
	ada.MustSend(t, testkit.Update(typed(1, 0, "stored")))
	bob.MustAwait(t, testkit.Update(typed(1, 0, "stored")))

	if n, err := documents.SetAccess(t.Context(), document.Selection{User: "ada"}, event.AccessRead); n != 2 || err != nil {
		t.Errorf("%d connections in all rooms, %v", n, err)
	}
	elsewhere.MustSend(t, testkit.Update(hello))
	if n, err := documents.Document("ws/b").Expel(t.Context(), document.Selection{User: "ada"}, protocol.CloseError{}); n != 1 || err != nil {
		t.Errorf("%d connections, %v", n, err)
	}
}

func TestExpel(t *testing.T) {
	documents, web := running(t, config{})
	a, b, other := enter(t, web, "a?token=ada"), enter(t, web, "b?token=ada"), enter(t, web, "b?token=bob")
	ada := document.Selection{User: "ada"}
	if n, err := documents.Document("ws/a").Expel(t.Context(), ada, protocol.CloseError{}); n != 1 || err != nil {
		t.Errorf("%d connections, %v", n, err)
	}
	if code, reason, err := a.AwaitClose(); protocol.CloseCode(code) != protocol.CloseForbidden || !strings.Contains(reason, "may not be") {
		t.Errorf("closed with %d %q, %v", code, reason, err)
	}
	if n, err := documents.Expel(t.Context(), ada, protocol.CloseError{Code: 4999, Reason: "go"}); n != 1 || err != nil {
		t.Errorf("%d connections in all rooms, %v", n, err)
	}
	if code, reason, err := b.AwaitClose(); code != 4999 || reason != "go" {
		t.Errorf("closed with %d %q, %v", code, reason, err)
	}
	other.MustSend(t, testkit.Update(hello)) // goes on
	other.MustAwait(t, testkit.Update(hello))
	if n, err := documents.Document("ws/none").Expel(t.Context(), ada, protocol.CloseError{}); n != 0 || err != nil {
		t.Errorf("%d connections in a room that isn't in memory, %v", n, err)
	}
	for _, room := range open(t, documents) {
		if room == "ws/none" {
			t.Error("the room was opened")
		}
	}
}

func TestControlRefuses(t *testing.T) {
	documents, web := running(t, config{})
	c := enter(t, web, "a")
	d := documents.Document("ws/a")
	for name, do := range map[string]func() (int, error){
		"access for no one":          func() (int, error) { return d.SetAccess(t.Context(), document.Selection{}, 0) },
		"no one":                     func() (int, error) { return d.Expel(t.Context(), document.Selection{}, protocol.CloseError{}) },
		"access for no one anywhere": func() (int, error) { return documents.SetAccess(t.Context(), document.Selection{}, 0) },
		"no one anywhere":            func() (int, error) { return documents.Expel(t.Context(), document.Selection{}, protocol.CloseError{}) },
		"a large payload":            func() (int, error) { return d.Broadcast(t.Context(), strings.Repeat("x", document.MaxPayload+1)) },
		"a malformed payload":        func() (int, error) { return d.Broadcast(t.Context(), "\xff") },
	} {
		if n, err := do(); n != 0 || err == nil {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
	if n, err := d.Broadcast(t.Context(), strings.Repeat("x", document.MaxPayload)); n != 1 || err != nil {
		t.Errorf("a broadcast was sent to %d connections, %v", n, err)
	}
	c.MustSend(t, testkit.Update(hello)) // a client of the plain dialect doesn't see it
	c.MustAwait(t, testkit.Update(hello))
}
