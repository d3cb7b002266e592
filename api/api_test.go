package api

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/yjs"
)

const get_, post, put, delete_ = http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete

// TestAPI tests everything that the description contains.
func TestAPI(t *testing.T) {
	p := newAPIPlace(t)
	p.seen = readDescription(t)
	for _, part := range []struct {
		name string
		test func(*testing.T)
	}{
		{"formats", p.testFormats},
		{"kinds", p.testKinds},
		{"accept", p.testAccept},
		{"too many formats", p.testTooManyFormats},
		{"too many conflicts", p.testTooManyConflicts},
		{"tags", p.testTags},
		{"updates", p.testUpdates},
		{"people", p.testPeople},
		{"create", p.testCreate},
		{"delete", p.testDelete},
		{"list", p.testList},
		{"refusals", p.testRefusals},
		{"changes nothing", p.testChangesNothing},
		{"names", p.testNames},
		{"store", p.testStore},
		{"log", p.testLog},
		{"control", p.testControl},
		{"control refusals", p.testControlRefusals},
		{"markdown", p.testMarkdown},
		{"blocks", p.testBlocks},
		{"root with the empty name", p.testEmptyRoot},
		{"block refusals", p.testBlockRefusals},
		{"workers", p.testWorkers},
		{"description", p.testDescription},
		{"events", p.testEvents},
		{"broken body", p.testBrokenBody},
		{"too many streams", p.testTooManyStreams},
	} {
		t.Run(part.name, func(t *testing.T) {
			p.t, p.seen.t = t, t
			part.test(t)
		})
	}
	p.t, p.seen.t = t, t
	p.seen.checkSeen()
	p.checkProblems()
}

// checkProblems compares the problems in responses with those in docs/api.md.
func (p *apiPlace) checkProblems() {
	p.t.Helper()
	page, err := os.ReadFile("../docs/api.md")
	if err != nil {
		p.t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| <a id=\"([\\w-]+)\"></a>`([\\w-]+)` \\| (\\d+) \\|").FindAllStringSubmatch(string(page), -1) {
		if row[1] != row[2] {
			p.t.Errorf("docs/api.md: the anchor of %s is %s", row[2], row[1])
		}
		want[row[1]] = row[3]
	}
	p.problems.Range(func(name, status any) bool {
		got[name.(string)] = fmt.Sprint(status)
		return true
	})
	if diff := cmp.Diff(want, got); diff != "" {
		p.t.Errorf("problems (-docs/api.md +answered)\n%s", diff)
	}
}

// testBrokenBody tests a client that disconnects in the middle of its update.
func (p *apiPlace) testBrokenBody(t *testing.T) {
	conn, err := net.Dial("tcp", p.web.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /api/rooms/broken HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 100\r\n\r\nhalf", theToken)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(post, "/api/rooms/broken", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	p.seen.check(r, resp, body)
	a := answered{resp.StatusCode, resp.Header, string(body)}
	p.problems.Store(a.problem(), a.status)
	if a.status != http.StatusBadRequest || a.problem() != "bad-body" {
		t.Errorf("%+v", a)
	}
	p.wantProblem(http.StatusNotFound, "no-such-room", get_, "/api/rooms/broken", "")
}

func (p *apiPlace) testFormats(t *testing.T) {
	p.make("formats")
	for _, test := range []struct{ query, want string }{
		{"format=update", string(decode(t, docV1))},
		{"format=update-v2", string(decode(t, docV2))},
		{"format=state-vector", string(decode(t, docSV))},
		{"format=text&name=title", "Hello world"},
		{"format=text&name=gone", ""},
		{"format=delta&name=title", `[{"insert":"Hello "},{"insert":"world","attributes":{"bold":true}}]`},
		{"format=xml&name=prosemirror", "<paragraph>Hi</paragraph>"},
		{"format=xml&name=page", "yo"},
		{"format=xml&name=page&root=page%3Dxml-element", "<page>yo</page>"},
		{"format=xml&name=page&root=page=xml-element", "<page>yo</page>"},
		{"format=xml&name=title", "Hello <bold>world</bold>"},
		{"format=prosemirror&name=prosemirror", `{"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":"Hi"}]}]}`},
		{"format=json&name=list", `[1,"<a>",null]`},
		{"format=json&name=form", `{"name":"Ada"}`},
		{"format=json&name=gone&root=gone=map", `{}`},
		{"format=text&name=title&root=title=xml-text", "Hello world"},
		{"format=json&name=title", `"Hello world"`},
		{"format=json&name=title&root=title=array", `["H","e","l","l","o"," ","w","o","r","l","d"]`},
	} {
		a := p.want(http.StatusOK, get_, "/api/rooms/formats?"+test.query, "")
		if a.body != test.want {
			t.Errorf("%s: %q, want %q", test.query, a.body, test.want)
		}
	}
	var whole map[string]any
	if err := json.Unmarshal([]byte(p.want(http.StatusOK, get_, "/api/rooms/formats?format=json&root=page=xml-element", "").body), &whole); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"title": "Hello world", "list": []any{1.0, "<a>", nil}, "form": map[string]any{"name": "Ada"},
		"prosemirror": "<paragraph>Hi</paragraph>", "page": "<page>yo</page>", // the root gone is empty, so its kind can't be inferred
	}
	if diff := cmp.Diff(want, whole); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// testKinds reads roots that hold content of several kinds, and roots that no one has
// written to.
func (p *apiPlace) testKinds(t *testing.T) {
	doc := yjs.New()
	edit := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	title, err := doc.Text("title")
	edit(err)
	edit(title.Insert(0, "hello", nil))
	page, err := doc.XMLFragment("page")
	edit(err)
	_, err = page.InsertElement(0, "p")
	edit(err)
	edit(page.AsText().Format(0, 1, yjs.Object{{Key: "b", Value: yjs.BoolValue(true)}}))
	// Another client uses the roots as arrays.
	doc.ForgetRootKinds()
	for _, name := range []string{"title", "page"} {
		array, err := doc.Array(name)
		edit(err)
		edit(array.Insert(0, yjs.NumberValue(1)))
	}
	p.want(http.StatusNoContent, post, "/api/rooms/kinds", string(doc.Encode(blocks.V1)))
	for _, test := range []struct{ query, want string }{
		{"format=text&name=title", "hello"},
		{"format=text&name=title&root=title=text", "hello"},
		{"format=delta&name=title&root=title=text", `[{"insert":"hello"}]`},
		{"format=json&name=title&root=title=text", `"hello"`},
		{"format=json&name=title&root=title=array", `[1,"h","e","l","l","o"]`},
		{"format=json&name=title&root=title=map", `{}`},
		{"format=xml&name=page", "1<p></p>"},
		{"format=xml&name=page&root=page=xml-fragment", "1<p></p>"},
		{"format=text&name=page&root=page=text", ""},
		{"format=json&name=page", `[1,"<p></p>"]`},
		{"format=json&name=page&root=page=xml-fragment", `"1<p></p>"`},

		{"format=text&name=new&root=new=text", ""},
		{"format=delta&name=new&root=new=text", `[]`},
		{"format=xml&name=new&root=new=xml-fragment", ""},
		{"format=xml&name=new&root=new=xml-element", "<new></new>"},
		{"format=xml&name=new&root=new=xml-text", ""},
		{"format=prosemirror&name=new&root=new=xml-fragment", `{"type":"doc","content":[]}`},
		{"format=json&name=new&root=new=text", `""`},
		{"format=json&name=new&root=new=array", `[]`},
		{"format=json&name=new&root=new=map", `{}`},
		{"format=json&name=new&root=new=xml-element", `"<new></new>"`},
		{"format=json&root=page=xml-fragment&root=new=map", `{"title":"hello","page":"1<p></p>","new":{}}`},
	} {
		a := p.want(http.StatusOK, get_, "/api/rooms/kinds?"+test.query, "")
		if a.body != test.want {
			t.Errorf("%s: %q, want %q", test.query, a.body, test.want)
		}
	}
	p.wantProblem(http.StatusConflict, "wrong-kind", get_, "/api/rooms/kinds?format=prosemirror&name=page", "")
	p.wantProblem(http.StatusConflict, "wrong-kind", get_, "/api/rooms/kinds?format=prosemirror&name=new&root=new=text", "")
	p.wantProblem(http.StatusNotFound, "no-such-root", get_, "/api/rooms/kinds?format=text&name=new&root=title=text", "")
}

func (p *apiPlace) testAccept(t *testing.T) {
	p.make("accept")
	for _, f := range formats {
		address := "/api/rooms/accept?name=title"
		switch {
		case f.name == "prosemirror":
			address = "/api/rooms/accept?name=prosemirror"
		case !f.needsName():
			address = "/api/rooms/accept"
		}
		a := p.want(http.StatusOK, get_, address, "", "Accept", f.mediaType)
		b := p.want(http.StatusOK, get_, address, "", "Accept", "-", "Accept", f.mediaType+";q=0.2, application/pdf")
		if a.body != b.body || a.header.Get("Content-Type") != f.mediaType+f.parameters || a.header.Get("Vary") != "Accept" {
			t.Errorf("%s: %v %q, and %q with a quality", f.mediaType, a.header, a.body, b.body)
		}
	}
	a := p.wantProblem(http.StatusNotAcceptable, "not-acceptable", get_, "/api/rooms/accept", "", "Accept", "application/pdf, image/png;q=0.9")
	for _, f := range formats {
		if !strings.Contains(a.body, f.mediaType) {
			t.Errorf("%s is not among the media types that are available: %s", f.mediaType, a.body)
		}
	}
}

// testTooManyFormats reads a small document that would be huge with its formats.
func (p *apiPlace) testTooManyFormats(t *testing.T) {
	doc := yjs.New()
	text, err := doc.Text("t")
	if err != nil {
		t.Fatal(err)
	}
	long := yjs.StringValue(strings.Repeat("x", 100<<10))
	err = text.Insert(0, strings.Repeat("x", 1000), yjs.Object{{Key: "long", Value: long}})
	for i := range 1000 {
		err = errors.Join(err, text.Format(i, 1, yjs.Object{{Key: "n", Value: yjs.NumberValue(float64(i))}}))
	}
	if err != nil {
		t.Fatal(err)
	}
	const address = "/api/rooms/formatted?format="
	p.want(http.StatusNoContent, post, "/api/rooms/formatted", string(doc.Encode(blocks.V1)))
	for _, format := range []string{"json", "json&name=t", "delta&name=t", "xml&name=t"} {
		p.wantProblem(http.StatusNotAcceptable, "not-acceptable", get_, address+format, "")
	}
	if a := p.want(http.StatusOK, get_, address+"text&name=t", ""); a.body != text.String() {
		t.Errorf("text of %d bytes", len(a.body))
	}
	if a := p.want(http.StatusOK, get_, address+"update", ""); len(a.body) > 1<<20 {
		t.Errorf("an update of %d bytes", len(a.body))
	}
}

// testTooManyConflicts reads a document with many items that were inserted at the start
// of a text. Client 1 has inserted each one before the others, and client 2 each one
// before the last of them, so that each of client 2 is compared with all of client 1.
func (p *apiPlace) testTooManyConflicts(*testing.T) {
	const n = 6000
	doc := []byte{2}
	for client := uint64(2); client > 0; client-- {
		doc = append(binary.AppendUvarint(doc, n), byte(client), 0)
		for i := range uint64(n) {
			b := blocks.Block{Kind: blocks.KindEmbed, Len: 1, Content: []byte{1, '1'}}
			switch {
			case client == 2 && i == 0: // integrated after all items of client 1
				b.HasRight, b.Right = true, blocks.ID{Client: 1, Clock: n - 1}
			case client == 2:
				b.HasRight, b.Right = true, blocks.ID{Client: 1, Clock: 0}
			default:
				b.Root = []byte("t")
			}
			doc = b.AppendTo(doc)
		}
	}
	doc = append(doc, 0)
	p.wantProblem(http.StatusRequestEntityTooLarge, "over-limit", post, "/api/rooms/conflicts", string(doc))
	if _, err := p.store.Append(p.t.Context(), "moody.conflicts", store.Entry{Encoding: store.V1, Data: doc}); err != nil { // by a version that took it
		p.t.Fatal(err)
	}
	p.wantProblem(http.StatusNotAcceptable, "not-acceptable", get_, "/api/rooms/moody.conflicts?format=text&name=t", "") // once: it reaches a limit of work
	p.want(http.StatusOK, get_, "/api/rooms/moody.conflicts", "")
}

func (p *apiPlace) testTags(t *testing.T) {
	p.make("tags")
	for _, address := range []string{"/api/rooms/tags", "/api/rooms/tags?format=text&name=title", "/api/rooms"} {
		tag := p.want(http.StatusOK, get_, address, "").header.Get("ETag")
		for _, given := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			a := p.want(http.StatusNotModified, get_, address, "", "If-None-Match", given)
			if a.header.Get("ETag") != tag {
				t.Errorf("%s has the ETag %s, then %s", address, tag, a.header.Get("ETag"))
			}
		}
		p.want(http.StatusOK, get_, address, "", "If-None-Match", `"x"`)
		p.want(http.StatusOK, get_, address, "", "If-None-Match", "W/*")
	}
	tag := p.ask(get_, "/api/rooms/tags", "").header.Get("ETag")
	p.want(http.StatusNoContent, post, "/api/rooms/tags", string(decode(t, moreV1)))
	if a := p.want(http.StatusOK, get_, "/api/rooms/tags", "", "If-None-Match", tag); a.header.Get("ETag") == tag {
		t.Error("the document has changed, its ETag hasn't")
	}
}

func (p *apiPlace) title(room string) string {
	p.t.Helper()
	return p.want(http.StatusOK, get_, roomAddress(room)+"?format=text&name=title", "").body
}

func (p *apiPlace) testUpdates(t *testing.T) {
	// A room that doesn't exist is created, and the same update again changes nothing.
	for range 2 {
		p.want(http.StatusNoContent, post, "/api/rooms/updates", string(decode(t, docV1)), "Content-Type", TypeUpdateV1)
		if got := p.title("updates"); got != "Hello world" {
			t.Errorf("title %q", got)
		}
	}
	p.want(http.StatusNoContent, post, "/api/rooms/updates", string(decode(t, moreV1)))
	if got := p.title("updates"); got != "!Hello world" {
		t.Errorf("title %q", got)
	}
	p.want(http.StatusNoContent, post, "/api/rooms/updates2", string(decode(t, docV2)), "Content-Type", TypeUpdateV2)
	if got := p.title("updates2"); got != "Hello world" {
		t.Errorf("title %q", got)
	}
}

// Clients in a room receive updates from the API, and are closed when the room is
// deleted.
func (p *apiPlace) testPeople(t *testing.T) {
	person := wsclient.Connect(t, p.web.URL+"/ws/people", nil)
	person.MustAwait(t, newcomer) // the client is in the room now
	p.want(http.StatusCreated, put, "/api/rooms/people", typedHello, "If-None-Match", "*")
	person.MustAwait(t, []byte(typing(typedHello)))
	p.want(http.StatusNoContent, post, "/api/rooms/people", more)
	person.MustAwait(t, []byte(typing(more)))
	p.want(http.StatusNoContent, delete_, "/api/rooms/people", "")
	if code, _, err := person.AwaitClose(); code != 4404 {
		t.Errorf("closed with %d (%v), want 4404", code, err)
	}
	back := wsclient.Connect(t, p.web.URL+"/ws/people", nil)
	_ = back.Send([]byte(typing(typedHello))) // the connection may be closed already
	if code, _, err := back.AwaitClose(); code != 4404 {
		t.Errorf("a client that reconnects is closed with %d (%v), want 4404", code, err)
	}
	p.wantProblem(http.StatusNotFound, "no-such-room", get_, "/api/rooms/people", "")
}

func (p *apiPlace) testCreate(t *testing.T) {
	var made atomic.Int64
	var making sync.WaitGroup
	for range 20 {
		making.Go(func() {
			switch a := p.ask(put, "/api/rooms/create%2F1", string(decode(t, docV1)), "If-None-Match", "*", "Content-Type", TypeUpdateV1); a.status {
			case http.StatusCreated:
				made.Add(1)
				if at := a.header.Get("Location"); at != "/api/rooms/create%2F1" {
					t.Errorf("it is at %q", at)
				}
			case http.StatusPreconditionFailed:
			default:
				t.Errorf("%+v", a)
			}
		})
	}
	making.Wait()
	if made.Load() != 1 || p.title("create/1") != "Hello world" {
		t.Errorf("%d requests have created the room, whose title is %q", made.Load(), p.title("create/1"))
	}
	p.want(http.StatusCreated, put, "/api/rooms/create2", string(decode(t, docV2)), "If-None-Match", "*", "Content-Type", TypeUpdateV2)
	if got := p.title("create2"); got != "Hello world" {
		t.Errorf("title %q", got)
	}
}

func (p *apiPlace) testDelete(t *testing.T) {
	p.make("delete")
	p.want(http.StatusNoContent, delete_, "/api/rooms/delete", "")
	p.wantProblem(http.StatusNotFound, "no-such-room", get_, "/api/rooms/delete", "")
	p.wantProblem(http.StatusGone, "room-deleted", post, "/api/rooms/delete", string(decode(t, docV1)))
	p.wantProblem(http.StatusNotFound, "no-such-room", get_, "/api/rooms/delete", "")
	if a := p.ask(get_, "/api/rooms?prefix=delete", ""); strings.Contains(a.body, `"name":"delete"`) {
		t.Errorf("it is listed: %s", a.body)
	}
	p.make("delete")
	if got := p.title("delete"); got != "Hello world" {
		t.Errorf("title %q", got)
	}
	p.wantProblem(http.StatusNotFound, "no-such-room", delete_, "/api/rooms/never-there", "")
}

func (p *apiPlace) testList(t *testing.T) {
	rooms := []string{"list.a", "list.b/c", "list.d e", "list.ü"}
	for _, room := range rooms {
		p.make(room)
	}
	var got []string
	for after := ""; ; {
		a := p.want(http.StatusOK, get_, "/api/rooms?"+url.Values{"prefix": {"list."}, "after": {after}, "limit": {"3"}}.Encode(), "")
		var part List
		if err := json.Unmarshal([]byte(a.body), &part); err != nil {
			t.Fatal(err)
		}
		got = append(got, names(part)...)
		if after = part.Next; after == "" {
			break
		}
	}
	if diff := cmp.Diff(rooms, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func (p *apiPlace) testRefusals(t *testing.T) {
	p.make("refusals")
	for _, address := range []string{"/api/rooms", "/api/rooms/refusals", "/api/rooms/refusals/events"} {
		for _, header := range []string{"-", "Bearer x", "Bearer " + theToken + "x", theToken, "Basic " + theToken} {
			a := p.wantProblem(http.StatusUnauthorized, "unauthorized", get_, address, "", "Authorization", header)
			if !strings.HasPrefix(a.header.Get("WWW-Authenticate"), `Bearer realm="yroom"`) {
				t.Errorf("no challenge: %v", a.header)
			}
		}
	}
	for _, test := range []struct {
		status  int
		problem string
		address string
	}{
		{400, "unknown-format", "/refusals?format=pdf"},
		{400, "unknown-format", "/refusals?format="},
		{400, "bad-parameter", "/refusals?fromat=text"},
		{400, "bad-parameter", "/refusals?format=text"},
		{400, "bad-parameter", "/refusals?format=text&name=title&name=title"},
		{400, "bad-parameter", "/refusals?format=update&name=title"},
		{400, "bad-parameter", "/refusals?format=update&root=title=text"},
		{400, "bad-parameter", "/refusals?format=json&root=title"},
		{400, "bad-parameter", "/refusals?format=json&root=title=nothing"},
		{400, "bad-parameter", "/refusals?format=json&root=title=xml-hook"},
		{400, "bad-parameter", "/refusals?format=%zz"},
		{400, "bad-parameter", "/refusals?token=" + theToken},
		{400, "bad-parameter", "/refusals/events?since=1"},
		{400, "bad-parameter", "?limit=0"},
		{400, "bad-parameter", "?limit=1001"},
		{400, "bad-parameter", "?limit=many"},
		{400, "bad-parameter", "?page=2"},
		{400, "bad-room-name", "/"},
		{400, "bad-room-name", "/%20"},
		{400, "bad-room-name", "/%FF"},
		{400, "bad-room-name", "/a%0Ab"},
		{400, "bad-room-name", "/a%E2%80%AEb/events"},
		{404, "no-such-room", "/a%E2%80%AEb"}, // an earlier version may have stored it
		{400, "bad-room-name", "/" + strings.Repeat("x", 256)},
		{404, "no-such-room", "/no-such-room"},
		{404, "no-such-room", "/no-such-room?format=text&name=title"},
		{404, "no-such-room", "/no-such-room/events"},
		{404, "no-such-root", "/refusals?format=text&name=Title"},
		{404, "no-such-root", "/refusals?format=xml&name="},
		{404, "no-such-root", "/refusals?format=json&name=nothing"},
		{404, "no-such-root", "/refusals?format=json&name=nothing&root=something=text"},
		{404, "no-such-address", "/refusals/nothing"},
		{404, "no-such-address", "/a/b/c"},
		{409, "wrong-kind", "/refusals?format=text&name=form"},
		{409, "wrong-kind", "/refusals?format=text&name=list"},
		{409, "wrong-kind", "/refusals?format=prosemirror&name=list&root=list=xml-fragment"},
		{409, "wrong-kind", "/refusals?format=text&name=title&root=title=map"},
		{409, "wrong-kind", "/refusals?format=json&name=gone"},
		{409, "wrong-kind", "/refusals?format=text&name=prosemirror"},
		{409, "wrong-kind", "/refusals?format=delta&name=form"},
		{409, "wrong-kind", "/refusals?format=xml&name=form"},
		{409, "wrong-kind", "/refusals?format=prosemirror&name=title"},
		{409, "wrong-kind", "/refusals?format=prosemirror&name=list"},
	} {
		p.wantProblem(test.status, test.problem, get_, "/api/rooms"+test.address, "")
	}
	p.wantProblem(http.StatusNotAcceptable, "not-acceptable", get_, "/api/rooms/refusals/events", "", "Accept", "application/json")
	p.wantProblem(http.StatusNotFound, "no-such-address", get_, "/api/", "")
	p.wantProblem(http.StatusNotFound, "no-such-address", get_, "/api/openapi.json", "")
	for _, address := range []string{"/api/rooms", "/api/rooms/refusals", "/api/rooms/refusals/events", "/api/openapi.yaml"} {
		for _, method := range []string{http.MethodPatch, http.MethodOptions, "BREW"} {
			p.wantProblem(http.StatusMethodNotAllowed, "wrong-method", method, address, "")
		}
	}
}

// A refused request changes nothing, and creates no room.
func (p *apiPlace) testChangesNothing(t *testing.T) {
	doc := string(decode(t, docV1))
	p.make("same")
	p.make("small.same")
	before := map[string]string{}
	for _, room := range []string{"same", "small.same"} {
		before[room] = p.ask(get_, "/api/rooms/"+room, "").body
	}
	big := strings.Repeat("x", 301)
	for _, test := range []struct {
		status  int
		problem string
		method  string
		room    string
		content string
		header  []string
	}{
		{401, "unauthorized", post, "same", string(decode(t, moreV1)), []string{"Authorization", "Bearer x"}},
		{401, "unauthorized", put, "new", doc, []string{"Authorization", "-", "If-None-Match", "*"}},
		{401, "unauthorized", delete_, "same", "", []string{"Authorization", "-"}},
		{422, "not-an-update", post, "same", "this is not an update", nil},
		{422, "not-an-update", post, "same", "", nil},
		{422, "not-an-update", post, "same", doc[:len(doc)-1], nil},
		{422, "not-an-update", post, "same", doc, []string{"Content-Type", TypeUpdateV2}},
		{422, "not-an-update", post, "new", "this is not an update", nil},
		{422, "not-an-update", put, "new", "this is not an update", []string{"If-None-Match", "*"}},
		{412, "room-exists", put, "same", string(decode(t, moreV1)), []string{"If-None-Match", "*"}},
		{428, "no-precondition", put, "same", doc, nil},
		{428, "no-precondition", put, "new", doc, nil},
		{428, "no-precondition", put, "new", doc, []string{"If-None-Match", `"x"`}},
		{400, "bad-precondition", put, "same", doc, []string{"If-Match", "*"}},
		{400, "bad-precondition", post, "same", string(decode(t, moreV1)), []string{"If-Match", `"x"`}},
		{400, "bad-precondition", delete_, "same", "", []string{"If-Match", `"x"`}},
		{400, "bad-parameter", post, "same?name=title", string(decode(t, moreV1)), nil},
		{400, "bad-parameter", put, "new?encoding=v2", doc, []string{"If-None-Match", "*"}},
		{400, "bad-parameter", delete_, "same?name=title", "", nil},
		{415, "wrong-media-type", post, "same", string(decode(t, moreV1)), []string{"Content-Type", "application/x-www-form-urlencoded"}},
		{415, "wrong-media-type", post, "same", string(decode(t, moreV1)), []string{"Content-Type", "nonsense;;"}},
		{415, "wrong-media-type", post, "same", string(decode(t, moreV1)), []string{"Content-Encoding", "gzip"}},
		{415, "wrong-media-type", put, "new", "{}", []string{"Content-Type", "application/json", "If-None-Match", "*"}},
		{413, "too-large", post, "small.same", big, nil},
		{413, "too-large", put, "small.new", big, []string{"If-None-Match", "*"}},
		{413, "over-limit", post, "tiny.new", doc, nil},
		{501, "unsupported", put, "plain.new", doc, []string{"If-None-Match", "*"}},
		{501, "unsupported", delete_, "plain.new", "", nil},
	} {
		p.wantProblem(test.status, test.problem, test.method, "/api/rooms/"+test.room, test.content, test.header...)
	}
	a := p.ask(post, "/api/rooms/same", "this is not an update")
	if want := `"detail":"Nothing was changed: malformed: update: `; !strings.Contains(a.body, want) {
		t.Errorf("there is no %s in %s", want, a.body)
	}
	for room, want := range before {
		if got := p.ask(get_, "/api/rooms/"+room, "").body; got != want {
			t.Errorf("%s has changed: %q, was %q", room, got, want)
		}
	}
	for _, room := range []string{"new", "small.new", "tiny.new", "plain.new"} {
		p.wantProblem(http.StatusNotFound, "no-such-room", get_, "/api/rooms/"+room, "")
	}
}

// endless is a body that never ends.
type endless struct{ sent atomic.Int64 }

func (e *endless) Read(b []byte) (int, error) {
	e.sent.Add(int64(len(b)))
	clear(b)
	return len(b), nil
}

// A body over the limit is refused because of its Content-Length or, without one, once
// the limit is reached.
func TestAPIBigBody(t *testing.T) {
	p := newAPIPlace(t)
	for length, most := range map[int64]int64{100 << 20: 16 << 20, -1: 40 << 20} {
		body := &endless{}
		r, err := http.NewRequestWithContext(t.Context(), post, p.web.URL+"/api/rooms/big", body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		r.Header.Set("Authorization", "Bearer "+theToken)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if sent := body.sent.Load(); resp.StatusCode != http.StatusRequestEntityTooLarge || sent > most {
			t.Errorf("of length %d: status %d after %d bytes", length, resp.StatusCode, sent)
		}
	}
	p.want(http.StatusNotFound, get_, "/api/rooms/big", "")
}

func (p *apiPlace) testNames(t *testing.T) {
	for _, room := range []string{".", "..", "//", "/", "a/b", "a//b/../c", "../..", "100%", "%2F", "a b", "a+b", "?#", "ü/€", strings.Repeat("ü", 127)} {
		p.make(room)
		if got := p.title(room); got != "Hello world" {
			t.Errorf("%q: title %q", room, got)
		}
	}
	// Other spellings of the same address.
	for _, address := range []string{"/api/rooms/..", "/api/rooms/%2e%2E", "/api/rooms/%61%2fb"} {
		if a := p.want(http.StatusOK, get_, address+"?format=text&name=title", ""); a.body != "Hello world" {
			t.Errorf("%s: %+v", address, a)
		}
	}
}

func (p *apiPlace) testStore(t *testing.T) {
	doc := string(decode(t, docV1))
	p.make("moody.there")
	p.make("moody.other")
	p.store.Set(faulty.Fail(errors.New("the disk is on fire")))
	p.wantProblem(http.StatusServiceUnavailable, "unavailable", get_, "/api/rooms", "")
	p.wantProblem(http.StatusServiceUnavailable, "unavailable", get_, "/api/rooms/moody.1", "")
	p.wantProblem(http.StatusServiceUnavailable, "unavailable", get_, "/api/rooms/moody.2/events", "")
	p.wantProblem(http.StatusServiceUnavailable, "unavailable", post, "/api/rooms/moody.3", doc)
	p.wantProblem(http.StatusServiceUnavailable, "unavailable", put, "/api/rooms/moody.4", doc, "If-None-Match", "*")
	a := p.wantProblem(http.StatusServiceUnavailable, "unavailable", delete_, "/api/rooms/moody.there", "")
	if a.header.Get("Retry-After") == "" || strings.Contains(a.body, "fire") {
		t.Errorf("%v %s", a.header, a.body)
	}
	gate := faulty.NewGate()
	p.store.Set(gate.Wait)
	p.patience.Store(int64(50 * time.Millisecond))
	p.wantProblem(http.StatusGatewayTimeout, "timed-out", get_, "/api/rooms", "")
	p.wantProblem(http.StatusGatewayTimeout, "timed-out", get_, "/api/rooms/moody.5", "")
	p.wantProblem(http.StatusGatewayTimeout, "timed-out", get_, "/api/rooms/moody.6/events", "")
	p.wantProblem(http.StatusGatewayTimeout, "timed-out", post, "/api/rooms/moody.7", doc)
	p.wantProblem(http.StatusGatewayTimeout, "timed-out", put, "/api/rooms/moody.8", doc, "If-None-Match", "*")
	p.wantProblem(http.StatusGatewayTimeout, "timed-out", delete_, "/api/rooms/moody.other", "")
	p.store.Set(nil)
	close(gate.Release) // the calls that wait still use the store
	p.patience.Store(0)
	if got := p.title("moody.there"); got != "Hello world" {
		t.Errorf("title %q", got)
	}
}

func (p *apiPlace) testLog(t *testing.T) {
	const room = "/api/rooms/moody.log"
	address := room + "/log"
	p.want(http.StatusNoContent, post, room, typedHello)
	p.want(http.StatusNoContent, post, room, more)
	a := p.want(http.StatusOK, get_, address+"?limit=2", "")
	var log Log
	if err := json.Unmarshal([]byte(a.body), &log); err != nil || len(log.Entries) != 2 {
		t.Fatalf("log %s (%v)", a.body, err)
	}
	e := log.Entries[1]
	want := LogEntry{Position: 2, Bytes: len(more), Stored: e.Stored, Written: []Written{{Client: 1, From: 5, To: 6}}, Clients: 1}
	if diff := cmp.Diff(want, e); diff != "" || time.Since(e.Stored) > time.Minute {
		t.Errorf("the last entry was stored at %v (-want +got)\n%s", e.Stored, diff)
	}
	p.want(http.StatusNotModified, get_, address+"?limit=2", "", "If-None-Match", a.header.Get("ETag"))
	for _, limit := range []string{"0", "x", "10001"} {
		p.wantProblem(http.StatusBadRequest, "bad-parameter", get_, address+"?limit="+limit, "")
	}
	p.wantProblem(http.StatusUnauthorized, "unauthorized", get_, address, "", "Authorization", "-")
	p.wantProblem(http.StatusUnauthorized, "unauthorized", delete_, address+"?from=2", "", "Authorization", "-")
	p.wantProblem(http.StatusNotFound, "no-such-room", get_, "/api/rooms/never/log", "")
	p.wantProblem(http.StatusNotFound, "no-such-room", delete_, "/api/rooms/never/log?from=2", "")
	p.wantProblem(http.StatusBadRequest, "bad-parameter", delete_, address, "")
	p.wantProblem(http.StatusBadRequest, "bad-precondition", delete_, address+"?from=2", "", "If-Match", "*")
	for _, from := range []string{"1", "3"} {
		p.wantProblem(http.StatusConflict, "cannot-cut", delete_, address+"?from="+from, "")
	}

	p.store.Set(faulty.Fail(errors.New("the disk is on fire")))
	p.wantProblem(http.StatusServiceUnavailable, "unavailable", get_, address, "")
	p.wantProblem(http.StatusServiceUnavailable, "unavailable", delete_, address+"?from=2", "")
	gate := faulty.NewGate()
	p.store.Set(gate.Wait)
	p.patience.Store(int64(50 * time.Millisecond))
	p.wantProblem(http.StatusGatewayTimeout, "timed-out", get_, address, "")
	p.wantProblem(http.StatusGatewayTimeout, "timed-out", delete_, "/api/rooms/moody.log.2/log?from=2", "")
	p.store.Set(nil)
	close(gate.Release)
	p.patience.Store(0)

	p.want(http.StatusNoContent, delete_, address+"?from=2", "")
	testkit.Eventually(t, "the room is open again", func() string { // it refuses requests for a second
		return strings.TrimPrefix(fmt.Sprint(p.ask(http.MethodHead, room, "").status), "200")
	})
	if got := p.want(http.StatusOK, get_, room, "").body; got != typedHello {
		t.Errorf("the document is %q", got)
	}
}

func (p *apiPlace) testDescription(t *testing.T) {
	a := p.want(http.StatusOK, get_, "/api/openapi.yaml", "", "Authorization", "-")
	if a.header.Get("Content-Type") != "application/yaml" || !bytes.Equal([]byte(a.body), description) {
		t.Errorf("%v %s", a.header, a.body)
	}
}

// A Handler can be mounted at another path. Its addresses and its description have that
// path, too.
func TestPrefix(t *testing.T) {
	server := newServer(t, nil)
	handler := New(Config{Documents: server.Documents(), Prefix: "/docs/v1"})
	do := func(method, address string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, address, bytes.NewReader(decode(t, docV1)))
		if method == put {
			r.Header.Set("If-None-Match", "*")
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	if w := do(put, "/docs/v1/rooms/a%2Fb"); w.Code != http.StatusCreated || w.Header().Get("Location") != "/docs/v1/rooms/a%2Fb" {
		t.Errorf("status %d, Location %s", w.Code, w.Header().Get("Location"))
	}
	if w := do(get_, "/docs/v1/rooms/a%2Fb?format=text&name=title"); w.Body.String() != "Hello world" {
		t.Errorf("status %d: %s", w.Code, w.Body)
	}
	if w := do(get_, "/docs/v1/openapi.yaml"); !strings.Contains(w.Body.String(), "\n  /docs/v1/rooms/{room}/events:\n") || strings.Contains(w.Body.String(), "\n  /api/") {
		t.Errorf("the description has other paths: %.200s", w.Body)
	}
	for _, address := range []string{"/api/rooms", "/docs/v1", "/docs/v1x/rooms", "/rooms"} {
		if w := do(get_, address); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "/docs/v1/rooms/{room}") {
			t.Errorf("%s: status %d, %s", address, w.Code, w.Body)
		}
	}
}

// A body that doesn't arrive ends the request, even on an http.Server without a
// ReadTimeout.
func TestAPIBodyTimeout(t *testing.T) {
	rooms := newServer(t, nil)
	web := httptest.NewServer(New(Config{Documents: rooms.Documents(), BodyTimeout: 50 * time.Millisecond}))
	defer web.Close()
	body, writer := io.Pipe()
	defer writer.Close()
	go func() { _, _ = writer.Write([]byte{0}) }() // and no more
	resp, err := http.Post(web.URL+"/api/rooms/a", "application/octet-stream", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "took too long") {
		t.Errorf("%s, %q, %v", resp.Status, text, err)
	}
}
