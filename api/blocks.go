package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/prosemirror"
	"github.com/yroom/yroom/yjs"
)

// TypeMarkdown is the media type of Markdown.
const TypeMarkdown = "text/markdown"

// NewBlocks is the response to a change that inserts blocks, as JSON.
type NewBlocks struct {
	Blocks []string `json:"blocks"` // the IDs of the blocks, in order
}

// markBody is the body of a request that sets a mark.
type markBody struct {
	prosemirror.Range

	Mark  string         `json:"mark"`
	Attrs map[string]any `json:"attrs"` // null removes the mark
}

// blockHandler answers a request about a block.
type blockHandler func(w http.ResponseWriter, r *http.Request, room, id string) error

func ofBlock(id string, handle blockHandler) handler {
	return func(w http.ResponseWriter, r *http.Request, room string) error { return handle(w, r, room, id) }
}

// addBlocks inserts the blocks of a Markdown text after all others, or next to one.
func (a *Handler) addBlocks(w http.ResponseWriter, r *http.Request, room string) error {
	query, err := parameters(r, "name", "before", "after")
	if err != nil {
		return err
	}
	if query.Has("before") && query.Has("after") {
		return badParameter.because("The blocks can’t be both before and after: send one of the parameters.")
	}
	if err := noPreconditions(r, "If-Match", "If-None-Match"); err != nil {
		return err
	}
	markdown, err := a.markdown(w, r)
	if err != nil {
		return err
	}
	var ids []string
	err = a.editBlocks(r.Context(), room, a.editorRoot(room, query), true, len(markdown), func(b *prosemirror.Blocks) (err error) {
		switch {
		case query.Has("before"):
			ids, err = b.Before(query.Get("before"), markdown)
		case query.Has("after"):
			ids, err = b.After(query.Get("after"), markdown)
		default:
			ids, err = b.Append(markdown)
		}
		return err
	})
	return answerBlocks(w, ids, err)
}

// replaceBlock replaces a block by those of a Markdown text.
func (a *Handler) replaceBlock(w http.ResponseWriter, r *http.Request, room, id string) error {
	root, tag, err := a.taggedBlock(r, room)
	if err != nil {
		return err
	}
	markdown, err := a.markdown(w, r)
	if err != nil {
		return err
	}
	var ids []string
	err = a.editBlocks(r.Context(), room, root, false, len(markdown), func(b *prosemirror.Blocks) (err error) {
		ids, err = b.Replace(id, tag, markdown)
		return err
	})
	return answerBlocks(w, ids, err)
}

func (a *Handler) deleteBlock(w http.ResponseWriter, r *http.Request, room, id string) error {
	root, tag, err := a.taggedBlock(r, room)
	if err != nil {
		return err
	}
	err = a.editBlocks(r.Context(), room, root, false, 0, func(b *prosemirror.Blocks) error { return b.Delete(id, tag) })
	if err != nil {
		return err
	}
	newTimedWriter(w).WriteHeader(http.StatusNoContent)
	return nil
}

// markBlock sets or removes a mark on a part of a block's text.
func (a *Handler) markBlock(w http.ResponseWriter, r *http.Request, room, id string) error {
	query, err := parameters(r, "name")
	if err != nil {
		return err
	}
	if err := noPreconditions(r, "If-Match", "If-None-Match"); err != nil {
		return err
	}
	body, err := a.readTyped(w, r, maxMark, "application/json")
	if err != nil {
		return err
	}
	var m markBody
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || d.More() || m.Mark == "" || m.Text == "" {
		return badContent.because(`The body has to be one JSON object such as {"text": "the words", "mark": "strong", "attrs": {}}.`)
	}
	err = a.editBlocks(r.Context(), room, a.editorRoot(room, query), false, 0, func(b *prosemirror.Blocks) error { return b.Mark(id, m.Range, m.Mark, m.Attrs) })
	if err != nil {
		return err
	}
	newTimedWriter(w).WriteHeader(http.StatusNoContent)
	return nil
}

// maxMark is the size of the largest body that sets a mark, in bytes.
const maxMark = 64 << 10

// taggedBlock returns the root that a request names, and the tag in If-Match, or "".
func (a *Handler) taggedBlock(r *http.Request, room string) (root, tag string, err error) {
	query, err := parameters(r, "name")
	if err != nil {
		return "", "", err
	}
	tag, err = blockTag(r)
	return a.editorRoot(room, query), tag, err
}

// editorRoot returns the root that a request names, which may be "", or that of the room's editor.
func (a *Handler) editorRoot(room string, query url.Values) string {
	if query.Has("name") {
		return query.Get("name")
	}
	return a.schema(room).Root
}

// blockTag returns the tag in If-Match, or "".
func blockTag(r *http.Request) (string, error) {
	if err := noPreconditions(r, "If-None-Match"); err != nil {
		return "", err
	}
	given := r.Header.Values("If-Match")
	if len(given) == 0 {
		return "", nil
	}
	tag := strings.TrimSuffix(strings.TrimPrefix(given[0], `"`), `"`)
	if len(given) != 1 || `"`+tag+`"` != given[0] || tag == "" || strings.ContainsAny(tag, `", `) {
		return "", badPrecondition.because("If-Match has to be the tag of the block, in quotation marks. Nothing was changed.")
	}
	return tag, nil
}

// markdown reads a body of Markdown.
func (a *Handler) markdown(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	return a.readTyped(w, r, prosemirror.MaxMarkdown, TypeMarkdown)
}

// readTyped reads a body of a media type, which has to be named.
func (a *Handler) readTyped(w http.ResponseWriter, r *http.Request, limit int64, mediaType string) ([]byte, error) {
	if given, err := mediaTypeOf(r.Header); err != nil || given != mediaType {
		return nil, wrongMediaType.because("Send the body as "+mediaType+", without Content-Encoding.", mediaType)
	}
	return a.readBody(w, r, limit, "that of this address")
}

// markdownCost is how many bytes of memory the nodes of a byte of Markdown take at most.
const markdownCost = 400

// editBlocks changes the blocks of a room, by so many bytes of Markdown, and creates the
// room if it doesn't exist and create is set.
func (a *Handler) editBlocks(ctx context.Context, room, root string, create bool, markdown int, edit func(*prosemirror.Blocks) error) error {
	d := a.documents.Document(room)
	info, err := d.Info(ctx)
	if err != nil && !(create && errors.Is(err, document.ErrNotFound)) {
		return err
	}
	cost := leastCost + schemaCost*info.Summary.Size + markdownCost*markdown
	if err := a.exports.reserve(ctx, cost); err != nil {
		return err
	}
	defer a.exports.free(cost)
	for range maxConflicts {
		err = d.Edit(ctx, func(doc *yjs.Doc) error {
			blocks, err := a.schema(room).Blocks(doc, root)
			if err != nil {
				return err
			}
			return edit(blocks)
		})
		if !errors.Is(err, document.ErrConflict) {
			break
		}
	}
	return blockError(err)
}

// complexError returns the problem for Markdown that would take too long to read.
func complexError(err error) error {
	return tooComplex.because("Nothing was changed: " + innermost(err) + ".")
}

// maxConflicts is how often an edit is tried that conflicts with edits of other processes.
const maxConflicts = 3

// blockError returns the problem for an error of an edit of blocks.
func blockError(err error) error {
	switch {
	case errors.Is(err, prosemirror.ErrNoBlock):
		return noSuchBlock.because("It was deleted, or replaced by one of another kind. Nothing was changed.")
	case errors.Is(err, prosemirror.ErrChanged):
		return blockChanged.because("It has another tag than If-Match says: read it again. Nothing was changed.")
	case errors.Is(err, prosemirror.ErrText), errors.Is(err, prosemirror.ErrMark), errors.Is(err, yjs.ErrValue):
		return cannotMark.because("Nothing was changed: " + innermost(err) + ".")
	case errors.Is(err, prosemirror.ErrMarkdown):
		return badContent.because("The Markdown text has no block. Nothing was changed.")
	case errors.Is(err, prosemirror.ErrComplex):
		return complexError(err)
	case errors.Is(err, prosemirror.ErrSize):
		return tooLarge.because(fmt.Sprintf("The limit is %d bytes of Markdown.", prosemirror.MaxMarkdown))
	case errors.Is(err, yjs.ErrType):
		return wrongKind.because("The root isn’t an XML fragment, so it has no blocks.")
	case errors.Is(err, document.ErrNotFound):
		return roomDeleted.because("Nothing can be added to it. PUT creates it again.")
	}
	return err
}

func answerBlocks(w http.ResponseWriter, ids []string, err error) error {
	if err != nil {
		return err
	}
	body, err := json.Marshal(NewBlocks{ids})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = newTimedWriter(w).Write(body) // the client may have closed the connection
	return nil
}
