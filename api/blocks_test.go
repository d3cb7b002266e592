package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/prosemirror"
)

const asMarkdown = "text/markdown"

// complexMarkdown has many empty lines in nested lists.
var complexMarkdown = strings.Repeat("- ", 40) + "a\n" + strings.Repeat("\n", 1000) + "b\n"

func (p *apiPlace) testMarkdown(t *testing.T) {
	const text = "# Plan\n\nShip **it** & more\n"
	p.want(http.StatusCreated, put, "/api/rooms/plan", text, "If-None-Match", "*", "Content-Type", asMarkdown)
	p.wantProblem(http.StatusPreconditionFailed, "room-exists", put, "/api/rooms/plan", text, "If-None-Match", "*", "Content-Type", asMarkdown)
	for format, want := range map[string]string{
		"markdown": text,
		"html":     "<h1>Plan</h1>\n<p>Ship <strong>it</strong> &amp; more</p>\n",
	} {
		byName := p.want(http.StatusOK, get_, "/api/rooms/plan?name=prosemirror&format="+format, "")
		accepted := p.want(http.StatusOK, get_, "/api/rooms/plan", "", "Accept", "text/"+format)
		for _, a := range []answered{byName, accepted} {
			if diff := cmp.Diff(want, a.body); diff != "" || a.header.Get("Content-Type") != "text/"+format+"; charset=utf-8" {
				t.Errorf("%s, %s (-want +got):\n%s", format, a.header.Get("Content-Type"), diff)
			}
		}
		p.want(http.StatusNotModified, get_, "/api/rooms/plan?format="+format, "", "If-None-Match", accepted.header.Get("ETag"))
	}
	p.want(http.StatusCreated, put, "/api/rooms/plan2?name=page", text, "If-None-Match", "*", "Content-Type", asMarkdown)
	if got := p.want(http.StatusOK, get_, "/api/rooms/plan2?format=markdown&name=page", "").body; got != text {
		t.Errorf("the root page is %q", got)
	}
	p.wantProblem(http.StatusNotFound, "no-such-root", get_, "/api/rooms/plan2?format=markdown", "")
	p.make("mixed")
	p.wantProblem(http.StatusConflict, "wrong-kind", get_, "/api/rooms/mixed?format=html&name=title", "")
	p.wantProblem(http.StatusBadRequest, "bad-parameter", put, "/api/rooms/plan3?name=page", string(decode(t, docV1)), "If-None-Match", "*")
	p.wantProblem(http.StatusUnsupportedMediaType, "wrong-media-type", post, "/api/rooms/plan", text, "Content-Type", asMarkdown)
	p.wantProblem(http.StatusRequestEntityTooLarge, "too-large", put, "/api/rooms/plan3", string(make([]byte, prosemirror.MaxMarkdown+1)), "If-None-Match", "*", "Content-Type", asMarkdown)
}

// blocks returns the blocks of a room.
func (p *apiPlace) blocks(room string) []prosemirror.Block {
	p.t.Helper()
	var b Blocks
	if err := json.Unmarshal([]byte(p.want(http.StatusOK, get_, "/api/rooms/"+room+"?format=blocks", "").body), &b); err != nil {
		p.t.Fatal(err)
	}
	return b.Blocks
}

// changed sends a change that inserts blocks, and returns their ids.
func (p *apiPlace) changed(method, address, content string, header ...string) []string {
	p.t.Helper()
	var n NewBlocks
	a := p.want(http.StatusOK, method, address, content, append(header, "Content-Type", asMarkdown)...)
	if err := json.Unmarshal([]byte(a.body), &n); err != nil {
		p.t.Fatal(err)
	}
	return n.Blocks
}

func (p *apiPlace) testBlocks(t *testing.T) {
	const room = "/api/rooms/blocks/blocks"
	first := p.changed(post, room+"?name=prosemirror", "one\n\nthree")
	p.changed(post, room+"?after="+first[0], "two")
	p.changed(post, room+"?before="+first[0], "zero")
	blocks := p.blocks("blocks")
	if ids := p.changed(put, room+"/"+first[1]+"?name=prosemirror", "three!", "If-Match", `"`+blocks[3].Tag+`"`); ids[0] != first[1] {
		t.Errorf("the paragraph has become %s", ids)
	}
	p.want(http.StatusNoContent, post, room+"/"+first[0]+"/marks?name=prosemirror", `{"text": "one", "mark": "strong", "attrs": {}}`, "Content-Type", "application/json")
	p.want(http.StatusNoContent, delete_, room+"/"+blocks[0].ID+"?name=prosemirror", "", "If-Match", `"`+blocks[0].Tag+`"`)
	if got, want := p.want(http.StatusOK, get_, "/api/rooms/blocks?format=markdown", "").body, "**one**\n\ntwo\n\nthree!\n"; got != want {
		t.Errorf("the document is %q, want %q", got, want)
	}
}

// testEmptyRoot reads and changes the root with the empty name, which Doc.get of yjs 14
// returns by default.
func (p *apiPlace) testEmptyRoot(t *testing.T) {
	p.want(http.StatusCreated, put, "/api/rooms/unnamed?name=", "one", "If-None-Match", "*", "Content-Type", asMarkdown)
	ids := p.changed(post, "/api/rooms/unnamed/blocks?name=", "two")
	p.changed(put, "/api/rooms/unnamed/blocks/"+ids[0]+"?name=", "three")
	p.want(http.StatusNoContent, post, "/api/rooms/unnamed/blocks/"+ids[0]+"/marks?name=", `{"text": "three", "mark": "em", "attrs": {}}`, "Content-Type", "application/json")
	if got, want := p.want(http.StatusOK, get_, "/api/rooms/unnamed?format=markdown&name=", "").body, "one\n\n*three*\n"; got != want {
		t.Errorf("the document is %q, want %q", got, want)
	}
	if got := p.want(http.StatusOK, get_, "/api/rooms/unnamed?format=blocks&name=", "").body; !strings.Contains(got, "*three*") {
		t.Errorf("the blocks are %s", got)
	}
	p.want(http.StatusNoContent, delete_, "/api/rooms/unnamed/blocks/"+ids[0]+"?name=", "")
	p.wantProblem(http.StatusNotFound, "no-such-root", get_, "/api/rooms/unnamed?format=markdown", "")
}

func (p *apiPlace) testBlockRefusals(*testing.T) {
	const room = "/api/rooms/blocks/blocks"
	id := p.blocks("blocks")[0].ID
	p.make("other")
	p.want(http.StatusCreated, put, "/api/rooms/gone", "a", "If-None-Match", "*", "Content-Type", asMarkdown)
	gone := p.blocks("gone")[0].ID
	p.want(http.StatusNoContent, delete_, "/api/rooms/gone", "")
	for _, test := range []struct {
		status  int
		problem string
		method  string
		address string
		content string
		header  []string
	}{
		{404, "no-such-block", put, room + "/AAAA", "a", nil},
		{404, "no-such-block", delete_, room + "/nothing", "", nil},
		{404, "no-such-block", post, room + "?after=AAAA", "a", nil},
		{404, "no-such-block", post, room + "/AAAA/marks", `{"text": "one", "mark": "strong"}`, []string{"Content-Type", "application/json"}},
		{409, "cannot-mark", post, room + "/" + id + "/marks", `{"text": "other", "mark": "strong", "attrs": {}}`, []string{"Content-Type", "application/json"}},
		{409, "wrong-kind", post, "/api/rooms/other/blocks?name=title", "a", nil},
		{412, "block-changed", put, room + "/" + id, "a", []string{"If-Match", `"0"`}},
		{412, "block-changed", delete_, room + "/" + id, "", []string{"If-Match", `"0"`}},
		{400, "bad-precondition", delete_, room + "/" + id, "", []string{"If-Match", "*"}},
		{400, "bad-precondition", put, room + "/" + id, "a", []string{"If-None-Match", "*"}},
		{400, "bad-precondition", post, room, "a", []string{"If-Match", `"0"`}},
		{400, "bad-precondition", post, room + "/" + id + "/marks", "{}", []string{"Content-Type", "application/json", "If-Match", `"0"`}},
		{400, "bad-parameter", post, room + "?before=a&after=b", "a", nil},
		{400, "bad-parameter", put, room + "/" + id + "?format=html", "a", nil},
		{400, "bad-parameter", delete_, room + "/" + id + "?format=html", "", nil},
		{400, "bad-parameter", post, room + "/" + id + "/marks?format=html", "{}", []string{"Content-Type", "application/json"}},
		{415, "wrong-media-type", post, room, "a", []string{"Content-Type", "text/plain"}},
		{415, "wrong-media-type", put, room + "/" + id, "a", []string{"Content-Type", "text/plain"}},
		{415, "wrong-media-type", post, room + "/" + id + "/marks", "{}", nil},
		{422, "bad-content", post, room, " \n", nil},
		{422, "bad-content", put, room + "/" + id, "", nil},
		{422, "bad-content", post, room + "/" + id + "/marks", `{"text": "one"}`, []string{"Content-Type", "application/json"}},
		{422, "too-complex", post, room, complexMarkdown, nil},
		{422, "too-complex", put, room + "/" + id, complexMarkdown, nil},
		{422, "too-complex", put, "/api/rooms/complex", complexMarkdown, []string{"If-None-Match", "*"}},
		{413, "too-large", post, room, string(make([]byte, prosemirror.MaxMarkdown+1)), nil},
		{413, "too-large", put, room + "/" + id, string(make([]byte, prosemirror.MaxMarkdown+1)), nil},
		{410, "room-deleted", post, "/api/rooms/gone/blocks", "a", nil},
		{404, "no-such-room", put, "/api/rooms/gone/blocks/" + gone, "a", nil},
		{404, "no-such-room", delete_, "/api/rooms/gone/blocks/" + gone, "", nil},
		{404, "no-such-room", post, "/api/rooms/gone/blocks/" + gone + "/marks", `{"text": "a", "mark": "strong"}`, []string{"Content-Type", "application/json"}},
	} {
		p.wantProblem(test.status, test.problem, test.method, test.address, test.content, append([]string{"Content-Type", asMarkdown}, test.header...)...)
	}
	p.testBlockFailures(id)
}

// testBlockFailures sends each change of a block without the token, and to rooms whose store
// fails or doesn't answer.
func (p *apiPlace) testBlockFailures(id string) {
	p.t.Helper()
	each := func(status int, problem string, header ...string) {
		p.t.Helper()
		header = append([]string{"Content-Type", asMarkdown}, header...)
		p.wantProblem(status, problem, post, "/api/rooms/moody.a/blocks", "a", header...)
		p.wantProblem(status, problem, put, "/api/rooms/moody.b/blocks/"+id, "a", header...)
		p.wantProblem(status, problem, delete_, "/api/rooms/moody.c/blocks/"+id, "", header...)
		p.wantProblem(status, problem, post, "/api/rooms/moody.d/blocks/"+id+"/marks", `{"text": "a", "mark": "em"}`, append(header, "Content-Type", "application/json")...)
	}
	each(http.StatusUnauthorized, "unauthorized", "Authorization", "-")
	p.store.Set(faulty.Fail(errors.New("the disk is on fire")))
	each(http.StatusServiceUnavailable, "unavailable")
	gate := faulty.NewGate()
	p.store.Set(gate.Wait)
	p.patience.Store(int64(50 * time.Millisecond))
	each(http.StatusGatewayTimeout, "timed-out")
	p.store.Set(nil)
	close(gate.Release)
	p.patience.Store(0)
}
