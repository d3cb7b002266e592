package api

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/prosemirror"
)

// Media types of updates, by their encoding.
const (
	TypeUpdateV1 = "application/octet-stream"
	TypeUpdateV2 = "application/vnd.yroom.update-v2"
)

// update applies an update, and responds once it is stored.
func (a *Handler) update(w http.ResponseWriter, r *http.Request, room string) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	if err := noPreconditions(r, "If-Match", "If-None-Match"); err != nil {
		return err
	}
	data, enc, err := a.body(w, r, room)
	if err != nil {
		return err
	}
	err = a.documents.Document(room).Apply(r.Context(), data, enc)
	if errors.Is(err, document.ErrNotFound) {
		return roomDeleted.because("Nothing can be added to it. PUT creates it again, and so does yroom room import --new.")
	}
	if err != nil {
		return err
	}
	newTimedWriter(w).WriteHeader(http.StatusNoContent)
	return nil
}

// create creates a room that doesn't exist. Of several concurrent requests, one
// succeeds.
func (a *Handler) create(w http.ResponseWriter, r *http.Request, room string) error {
	query, err := parameters(r, "name")
	if err != nil {
		return err
	}
	if err := noPreconditions(r, "If-Match"); err != nil {
		return err
	}
	if only := r.Header.Values("If-None-Match"); len(only) != 1 || strings.TrimSpace(only[0]) != "*" {
		return noPrecondition.because("PUT creates a room that doesn’t exist and replaces none: send If-None-Match: * with it. To change a room that exists, send an update with POST.")
	}
	var data []byte
	enc := blocks.V1
	switch given, err := mediaTypeOf(r.Header); {
	case err == nil && given == TypeMarkdown:
		data, err = a.fromMarkdown(w, r, room, a.editorRoot(room, query))
		if err != nil {
			return err
		}
	case query.Has("name"):
		return badParameter.because("The parameter name is only for a room that is created from " + TypeMarkdown + ".")
	default:
		if data, enc, err = a.body(w, r, room, TypeMarkdown); err != nil {
			return err
		}
	}
	if err := a.documents.Document(room).Create(r.Context(), data, enc); err != nil {
		return err
	}
	w.Header().Set("Location", a.prefix+RoomPath(room))
	newTimedWriter(w).WriteHeader(http.StatusCreated)
	return nil
}

// fromMarkdown reads a body of Markdown, and returns an update that makes a document from
// it.
func (a *Handler) fromMarkdown(w http.ResponseWriter, r *http.Request, room, root string) ([]byte, error) {
	markdown, err := a.markdown(w, r)
	if err != nil {
		return nil, err
	}
	cost := leastCost + markdownCost*len(markdown)
	if err := a.exports.reserve(r.Context(), cost); err != nil {
		return nil, err
	}
	defer a.exports.free(cost)
	update, err := a.schema(room).Update(root, markdown)
	if errors.Is(err, prosemirror.ErrComplex) {
		err = complexError(err)
	}
	return update, err
}

// delete deletes a room, and closes its connections.
func (a *Handler) delete(w http.ResponseWriter, r *http.Request, room string) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	if err := noPreconditions(r, "If-Match", "If-None-Match"); err != nil {
		return err
	}
	if err := a.documents.Document(room).Delete(r.Context()); err != nil {
		return err
	}
	newTimedWriter(w).WriteHeader(http.StatusNoContent)
	return nil
}

// noPreconditions returns an error if the request of a change has a precondition.
func noPreconditions(r *http.Request, names ...string) error {
	for _, name := range append(names, "If-Modified-Since", "If-Unmodified-Since") {
		if r.Header.Get(name) != "" {
			return badPrecondition.because(name + " is not for " + r.Method + ": the document could change between the check and the change. Nothing was changed.")
		}
	}
	return nil
}

// body reads an update and returns its encoding, which is never guessed. others are
// further media types that the address takes.
func (a *Handler) body(w http.ResponseWriter, r *http.Request, room string, others ...string) ([]byte, blocks.Encoding, error) {
	enc, err := encodingOf(r.Header, others...)
	if err != nil {
		return nil, 0, err
	}
	data, err := a.readBody(w, r, a.bodyLimit(room), "limits.message of this room")
	return data, enc, err
}

// readBody reads the body of a request, whose limit in bytes is described by what.
func (a *Handler) readBody(w http.ResponseWriter, r *http.Request, limit int64, what string) ([]byte, error) {
	tooMuch := tooLarge.because(fmt.Sprintf("The limit is %d bytes: %s.", limit, what))
	if r.ContentLength > limit {
		return nil, tooMuch
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.bodyTime)) // w may not be a network connection
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	switch _, past := errors.AsType[*http.MaxBytesError](err); {
	case past:
		return nil, tooMuch
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, badBody.because("The body took too long to arrive.")
	case err != nil:
		return nil, badBody.because("The body can’t be read: " + err.Error() + ".")
	}
	return data, nil
}

// mediaTypeOf returns the media type of a body, or "" if there is none. The error means
// that it can't be read, or that the body is coded.
func mediaTypeOf(h http.Header) (string, error) {
	if coding := h.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return "", errors.New("the body has a Content-Encoding")
	}
	given := h.Get("Content-Type")
	if given == "" {
		return "", nil
	}
	mediaType, _, err := mime.ParseMediaType(given)
	return mediaType, err
}

func encodingOf(h http.Header, others ...string) (blocks.Encoding, error) {
	mediaType, err := mediaTypeOf(h)
	switch {
	case err == nil && (mediaType == "" || mediaType == TypeUpdateV1):
		return blocks.V1, nil
	case err == nil && mediaType == TypeUpdateV2:
		return blocks.V2, nil
	}
	detail := "Send an update in the V1 encoding as " + TypeUpdateV1 + ", or in the V2 encoding as " + TypeUpdateV2 + ", without Content-Encoding."
	if slices.Contains(others, TypeMarkdown) {
		detail = strings.TrimSuffix(detail, ".") + "; or Markdown as " + TypeMarkdown + "."
	}
	if mediaType == "application/x-www-form-urlencoded" {
		detail += " curl sends this type unless -H sets another one."
	}
	return 0, wrongMediaType.because(detail, append([]string{TypeUpdateV1, TypeUpdateV2}, others...)...)
}
