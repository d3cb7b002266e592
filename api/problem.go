package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/protocol"
)

// Problem is the response to a request that can't be carried out, as RFC 9457
// describes it.
type Problem struct {
	Type    string   `json:"type"`  // a URL that ends with # and the problem's name
	Title   string   `json:"title"` // a text that is the same for all problems of the type
	Status  int      `json:"status"`
	Detail  string   `json:"detail"`            // sentences for people
	Choices []string `json:"choices,omitempty"` // the values that can be sent instead, if they can be listed
}

// problemPage is the page that explains the problems, each with its name as anchor.
const problemPage = "https://github.com/yroom/yroom/blob/main/docs/api.md#"

// NewProblem returns the problem with this name, such as "unauthorized", for a
// program's own authorization.
func NewProblem(name string, status int, title, detail string, choices ...string) *Problem {
	return &Problem{problemPage + name, title, status, detail, choices}
}

// Name returns the name at the end of the problem's type.
func (p *Problem) Name() string { return p.Type[strings.LastIndex(p.Type, "#")+1:] }

// Write answers a request with the problem.
func (p *Problem) Write(w http.ResponseWriter) {
	setHeader(w)
	body, err := json.Marshal(p)
	if err != nil {
		panic(err) // strings and a number can be marshalled
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusServiceUnavailable {
		h.Set("Retry-After", "1")
	}
	w.WriteHeader(p.Status)
	_, _ = newTimedWriter(w).Write(append(body, '\n')) // the client may have closed the connection
}

// problemKind is a type of problems. docs/api.md has a row for each.
type problemKind struct {
	name   string
	status int
	title  string
}

var (
	badParameter    = problemKind{"bad-parameter", http.StatusBadRequest, "A parameter is wrong"}
	badRoomName     = problemKind{"bad-room-name", http.StatusBadRequest, "No room can have this name"}
	badBody         = problemKind{"bad-body", http.StatusBadRequest, "The body did not arrive in full"}
	unknownFormat   = problemKind{"unknown-format", http.StatusBadRequest, "There is no such format"}
	noSuchAddress   = problemKind{"no-such-address", http.StatusNotFound, "There is nothing at this address"}
	noSuchRoom      = problemKind{"no-such-room", http.StatusNotFound, "There is no such room"}
	noSuchRoot      = problemKind{"no-such-root", http.StatusNotFound, "The document has no such root"}
	noSuchBlock     = problemKind{"no-such-block", http.StatusNotFound, "The document has no such block"}
	wrongMethod     = problemKind{"wrong-method", http.StatusMethodNotAllowed, "This address doesn’t take this method"}
	notAcceptable   = problemKind{"not-acceptable", http.StatusNotAcceptable, "None of the accepted media types is available"}
	wrongKind       = problemKind{"wrong-kind", http.StatusConflict, "The root is of another kind"}
	cannotMark      = problemKind{"cannot-mark", http.StatusConflict, "The text can’t be marked"}
	cannotCut       = problemKind{"cannot-cut", http.StatusConflict, "The log can’t be cut there"}
	roomDeleted     = problemKind{"room-deleted", http.StatusGone, "The room was deleted"}
	blockChanged    = problemKind{"block-changed", http.StatusPreconditionFailed, "The block has changed"}
	roomExists      = problemKind{"room-exists", http.StatusPreconditionFailed, "The room exists"}
	tooLarge        = problemKind{"too-large", http.StatusRequestEntityTooLarge, "The body is too large"}
	overLimit       = problemKind{"over-limit", http.StatusRequestEntityTooLarge, "The document would grow past a limit"}
	wrongMediaType  = problemKind{"wrong-media-type", http.StatusUnsupportedMediaType, "The body is of an unsupported media type"}
	notAnUpdate     = problemKind{"not-an-update", http.StatusUnprocessableEntity, "The body is not a Yjs update"}
	badContent      = problemKind{"bad-content", http.StatusUnprocessableEntity, "The body doesn’t say what to do"}
	tooComplex      = problemKind{"too-complex", http.StatusUnprocessableEntity, "The Markdown is too complex"}
	noPrecondition  = problemKind{"no-precondition", http.StatusPreconditionRequired, "PUT needs If-None-Match: *"}
	badPrecondition = problemKind{"bad-precondition", http.StatusBadRequest, "This precondition can’t be checked"}
	unsupported     = problemKind{"unsupported", http.StatusNotImplemented, "The store of this room can’t do that"}
	unavailable     = problemKind{"unavailable", http.StatusServiceUnavailable, "The document is not available now"}
	noWorker        = problemKind{"no-worker", http.StatusServiceUnavailable, "No worker serves the room now"}
	outcomeUnknown  = problemKind{"outcome-unknown", http.StatusServiceUnavailable, "The change may have been made or not"}
	tooManyStreams  = problemKind{"too-many-streams", http.StatusServiceUnavailable, "Too many event streams are open"}
	timedOut        = problemKind{"timed-out", http.StatusGatewayTimeout, "The room did not respond in time"}
)

// problemError is a problem as an error.
type problemError struct{ *Problem }

func (e problemError) Error() string { return e.Detail }

// because returns a problem of this kind.
func (k problemKind) because(detail string, choices ...string) problemError {
	return problemError{NewProblem(k.name, k.status, k.title, detail, choices...)}
}

// problemFor returns the problem for an error of package document.
func problemFor(err error) problemError {
	closed, isClosed := errors.AsType[*protocol.CloseError](err)
	switch {
	case errors.Is(err, document.ErrNoWorker):
		return noWorker.because("Nothing was changed. Send the request again later.")
	case errors.Is(err, document.ErrOutcomeUnknown):
		return outcomeUnknown.because("The worker of this room was lost. An update can be sent again. After any other request, check first whether the change was made.")
	case isClosed:
		return unavailable.because(closed.Reason)
	case errors.Is(err, document.ErrNotFound):
		return noSuchRoom.because("It was never written to, or it was deleted.")
	case errors.Is(err, document.ErrExists):
		return roomExists.because("It was created already. Nothing was changed. Choose another name, or delete that room first.")
	case errors.Is(err, document.ErrMalformed):
		return notAnUpdate.because("Nothing was changed: " + innermost(err) + ".")
	case errors.Is(err, document.ErrLimit):
		return overLimit.because("Nothing was changed: " + innermost(err) + ".")
	case errors.Is(err, document.ErrPosition):
		return cannotCut.because("Nothing was changed: " + innermost(err) + ".")
	case errors.Is(err, document.ErrUnsupported):
		return unsupported.because("It can neither create nor delete rooms.")
	case errors.Is(err, document.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		return timedOut.because("The room may be busy, or its store slow. A change may or may not have been made.")
	case errors.Is(err, document.ErrClosed):
		return unavailable.because("The server is shutting down.")
	}
	return unavailable.because(err.Error())
}

// innermost returns the text of an error without the prefixes of packages.
func innermost(err error) string {
	text := err.Error()
	for _, name := range []string{"document: ", "blocks: ", "worker: ", "prosemirror: ", "yjs: "} {
		text = text[max(strings.LastIndex(text, name), 0):]
		text = strings.TrimPrefix(text, name)
	}
	return text
}
