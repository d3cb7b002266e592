package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/yroom/yroom"
)

// problemKind is one of the things that can be wrong with a request to the
// document API. docs/api.md has a row for each.
type problemKind struct {
	name   string // the end of its type, and its row's anchor in docs/api.md
	status int
	title  string
}

var (
	badParameter    = problemKind{"bad-parameter", http.StatusBadRequest, "A parameter is wrong"}
	badRoomName     = problemKind{"bad-room-name", http.StatusBadRequest, "That is no room’s name"}
	badBody         = problemKind{"bad-body", http.StatusBadRequest, "The body did not arrive in full"}
	unknownFormat   = problemKind{"unknown-format", http.StatusBadRequest, "There is no such format"}
	unauthorized    = problemKind{"unauthorized", http.StatusUnauthorized, "The API token is missing or wrong"}
	noSuchAddress   = problemKind{"no-such-address", http.StatusNotFound, "There is nothing at this address"}
	noSuchRoom      = problemKind{"no-such-room", http.StatusNotFound, "There is no such room"}
	noSuchRoot      = problemKind{"no-such-root", http.StatusNotFound, "The document has no such root"}
	wrongMethod     = problemKind{"wrong-method", http.StatusMethodNotAllowed, "This address doesn’t take this method"}
	notAcceptable   = problemKind{"not-acceptable", http.StatusNotAcceptable, "None of the accepted media types can be had"}
	wrongKind       = problemKind{"wrong-kind", http.StatusConflict, "The root is of another kind"}
	roomDeleted     = problemKind{"room-deleted", http.StatusGone, "The room was deleted"}
	roomExists      = problemKind{"room-exists", http.StatusPreconditionFailed, "The room exists"}
	tooLarge        = problemKind{"too-large", http.StatusRequestEntityTooLarge, "The body is too large"}
	overLimit       = problemKind{"over-limit", http.StatusRequestEntityTooLarge, "The document would grow past a limit"}
	wrongMediaType  = problemKind{"wrong-media-type", http.StatusUnsupportedMediaType, "The body is of a media type that can’t be taken"}
	notAnUpdate     = problemKind{"not-an-update", http.StatusUnprocessableEntity, "The body is no Yjs update"}
	noPrecondition  = problemKind{"no-precondition", http.StatusPreconditionRequired, "PUT needs If-None-Match: *"}
	badPrecondition = problemKind{"bad-precondition", http.StatusBadRequest, "This precondition can’t be checked"}
	unsupported     = problemKind{"unsupported", http.StatusNotImplemented, "The store of this room can’t do that"}
	unavailable     = problemKind{"unavailable", http.StatusServiceUnavailable, "The document can’t be had now"}
	tooManyStreams  = problemKind{"too-many-streams", http.StatusServiceUnavailable, "Too many event streams are open"}
	timedOut        = problemKind{"timed-out", http.StatusGatewayTimeout, "The room did not answer in time"}
)

// problemPage is where the kinds are explained.
const problemPage = "https://github.com/yroom/yroom/blob/main/docs/api.md#"

// apiError is a problem with one request.
type apiError struct {
	problemKind

	detail  string   // sentences for people
	choices []string // what would do instead, if that is a list
}

func (e *apiError) Error() string { return e.detail }

// because gives a problem of this kind.
func (k problemKind) because(detail string, choices ...string) *apiError {
	return &apiError{k, detail, choices}
}

// problemDetails is how RFC 9457 writes it.
type problemDetails struct {
	Type    string   `json:"type"`
	Title   string   `json:"title"`
	Status  int      `json:"status"`
	Detail  string   `json:"detail"`
	Choices []string `json:"choices,omitempty"`
}

func (e *apiError) details() problemDetails {
	return problemDetails{problemPage + e.name, e.title, e.status, e.detail, e.choices}
}

// write answers with the problem.
func (e *apiError) write(w http.ResponseWriter) {
	body, err := json.Marshal(e.details())
	if err != nil {
		panic(err) // strings and a number can be written
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if e.status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(e.status)
	_, _ = patient(w).Write(append(body, '\n')) // the client may be gone
}

// problemOf is what is wrong where a document gave err.
func problemOf(err error) *apiError {
	if closed, ok := errors.AsType[*yroom.CloseError](err); ok {
		return unavailable.because(closed.Reason)
	}
	switch {
	case errors.Is(err, yroom.ErrUnavailable):
		return noSuchRoom.because("It was never written to, or it was deleted.")
	case errors.Is(err, yroom.ErrExists):
		return roomExists.because("It exists already. Nothing was changed.")
	case errors.Is(err, yroom.ErrMalformed):
		return notAnUpdate.because("Nothing was changed: " + plain(err) + ".")
	case errors.Is(err, yroom.ErrLimit):
		return overLimit.because("Nothing was changed: " + plain(err) + ".")
	case errors.Is(err, yroom.ErrUnsupported):
		return unsupported.because("It can neither make nor delete rooms.")
	case errors.Is(err, yroom.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return timedOut.because("It may be busy, or its store slow. What was to be changed may have been changed or not.")
	case errors.Is(err, yroom.ErrClosed):
		return unavailable.because("The server is about to end.")
	}
	return unavailable.because(err.Error())
}

// plain is what an error says behind the name of the last package that it went through.
func plain(err error) string {
	text := err.Error()
	for _, name := range []string{"yroom: ", "blocks: "} {
		text = text[max(strings.LastIndex(text, name), 0):]
		text = strings.TrimPrefix(text, name)
	}
	return text
}
