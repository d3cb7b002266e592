package api

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/prosemirror"
)

// Config configures a Handler. Documents is required.
type Config struct {
	Documents *document.Documents
	// Prefix is the path at which the Handler is mounted, without a slash at its
	// end. "": "/api".
	Prefix string
	// BodyLimit returns the size of the largest update that a request may contain for a
	// room, in bytes. nil: 16 MiB.
	BodyLimit func(room string) int64
	// BodyTimeout is how long the body of a request may take to arrive. 0: 30 s.
	BodyTimeout time.Duration
	// Schema returns the names of the nodes and marks in the documents of a room, for the
	// formats markdown and html, for rooms that are created from Markdown, and for changes of
	// blocks. nil: prosemirror.Basic.
	Schema func(room string) *prosemirror.Schema
	// Memory bounds the bytes that exports of documents and the first events of streams
	// take at once. A stream and an export in the format update or update-v2 take up to 4
	// times the size of the document, an export as Markdown, HTML or blocks and a change of
	// blocks up to 100 times, and an export in another format up to 40 times. An export
	// for which there is no memory waits for up to 10 seconds; one that takes more than
	// Memory is made alone. 0: 256 MiB.
	Memory int
}

const (
	defaultPrefix    = "/api"
	defaultBodyLimit = 16 << 20
	bodyTimeout      = 30 * time.Second // the default of Config.BodyTimeout
)

// Handler serves the document API.
type Handler struct {
	documents *document.Documents
	prefix    string
	bodyLimit func(room string) int64
	bodyTime  time.Duration
	streams   atomic.Int64 // event streams that are open
	exports   *exports
	schema    func(room string) *prosemirror.Schema
}

// New returns a Handler. Its requests end when cfg.Documents is drained.
func New(cfg Config) *Handler {
	if cfg.BodyLimit == nil {
		cfg.BodyLimit = func(string) int64 { return defaultBodyLimit }
	}
	if cfg.Schema == nil {
		basic, err := prosemirror.NewSchema(prosemirror.Config{})
		if err != nil {
			panic(err) // the zero value is a schema
		}
		cfg.Schema = func(string) *prosemirror.Schema { return basic }
	}
	return &Handler{
		schema:    cfg.Schema,
		documents: cfg.Documents,
		prefix:    cmp.Or(cfg.Prefix, defaultPrefix),
		bodyLimit: cfg.BodyLimit,
		bodyTime:  cmp.Or(cfg.BodyTimeout, bodyTimeout),
		exports:   newExports(cmp.Or(max(cfg.Memory, 0), defaultExports)),
	}
}

// RoomPath returns the path of a room below the prefix of a Handler: /rooms/ and
// the name, escaped. Dots are escaped in names that a client or a proxy would interpret
// as directories.
func RoomPath(room string) string {
	segment := url.PathEscape(room)
	if room == "." || room == ".." {
		segment = strings.ReplaceAll(room, ".", "%2E")
	}
	return "/rooms/" + segment
}

// ServeHTTP answers a request.
func (a *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	setHeader(w)
	if err := a.serve(w, r); err != nil {
		problem, ok := errors.AsType[problemError](err)
		if !ok {
			problem = problemFor(err)
		}
		problem.Write(newTimedWriter(w))
	}
}

// setHeader sets the header fields of all responses.
func setHeader(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox") // content of users must never be shown as a page of this server
}

// handler answers a request about a room, which is "" if the address names none. If it
// returns an error, it has written nothing.
type handler func(w http.ResponseWriter, r *http.Request, room string) error

func (a *Handler) serve(w http.ResponseWriter, r *http.Request) error {
	path, found := strings.CutPrefix(r.URL.EscapedPath(), a.prefix+"/")
	if !found {
		return a.noSuchAddress()
	}
	methods, room, err := a.route(strings.Split(path, "/"))
	if err != nil {
		return err
	}
	handle := methods[r.Method]
	if handle == nil {
		allowed := slices.Sorted(maps.Keys(methods))
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return wrongMethod.because("This address takes "+strings.Join(allowed, ", ")+".", allowed...)
	}
	return handle(w, r, room)
}

func (a *Handler) noSuchAddress() error {
	return noSuchAddress.because(strings.ReplaceAll("The document API has PREFIX/rooms, PREFIX/rooms/{room}, PREFIX/rooms/{room}/events, PREFIX/rooms/{room}/blocks, …/blocks/{id} and …/blocks/{id}/marks, PREFIX/rooms/{room}/log, PREFIX/rooms/{room}/connections, …/access, …/expel and …/stateless, PREFIX/access, PREFIX/expel and PREFIX/openapi.yaml.", "PREFIX", a.prefix))
}

// route returns the methods of an address, by the segments of its escaped path
// below the prefix.
func (a *Handler) route(segments []string) (methods map[string]handler, room string, err error) {
	switch {
	case len(segments) == 1 && segments[0] == "openapi.yaml":
		return map[string]handler{http.MethodGet: a.describe, http.MethodHead: a.describe}, "", nil
	case len(segments) == 1 && segments[0] == "access":
		return map[string]handler{http.MethodPost: a.setAccess}, "", nil
	case len(segments) == 1 && segments[0] == "expel":
		return map[string]handler{http.MethodPost: a.expel}, "", nil
	case segments[0] != "rooms":
	case len(segments) == 1:
		return map[string]handler{http.MethodGet: a.list, http.MethodHead: a.list}, "", nil
	case len(segments) == 2:
		methods = map[string]handler{
			http.MethodGet: a.read, http.MethodHead: a.read,
			http.MethodPost: opens(a.update), http.MethodPut: opens(a.create), http.MethodDelete: a.delete,
		}
	case len(segments) == 3 && segments[2] == "events":
		methods = map[string]handler{http.MethodGet: opens(a.events)}
	case len(segments) == 3 && segments[2] == "log":
		methods = map[string]handler{http.MethodGet: a.log, http.MethodHead: a.log, http.MethodDelete: a.cut}
	case len(segments) == 3 && segments[2] == "connections":
		methods = map[string]handler{http.MethodGet: a.connections, http.MethodHead: a.connections}
	case len(segments) == 3 && segments[2] == "access":
		methods = map[string]handler{http.MethodPost: a.setAccess}
	case len(segments) == 3 && segments[2] == "expel":
		methods = map[string]handler{http.MethodPost: a.expel}
	case len(segments) == 3 && segments[2] == "blocks":
		methods = map[string]handler{http.MethodPost: opens(a.addBlocks)}
	case len(segments) == 4 && segments[2] == "blocks":
		id := segments[3]
		methods = map[string]handler{
			http.MethodPut:    opens(ofBlock(id, a.replaceBlock)),
			http.MethodDelete: opens(ofBlock(id, a.deleteBlock)),
		}
	case len(segments) == 5 && segments[2] == "blocks" && segments[4] == "marks":
		methods = map[string]handler{http.MethodPost: opens(ofBlock(segments[3], a.markBlock))}
	case len(segments) == 3 && segments[2] == "stateless":
		methods = map[string]handler{http.MethodPost: a.broadcast}
	default:
		return nil, "", noSuchAddress.because("A room’s name is one segment of the address: write %2F for each slash in it.")
	}
	if methods == nil {
		return nil, "", a.noSuchAddress()
	}
	room, err = url.PathUnescape(segments[1])
	if err != nil || event.CheckStored(room) != nil {
		return nil, "", badName()
	}
	return methods, room, nil
}

// opens returns handle with a check whether the room can be opened. Without it, a room can
// be read and deleted whose name an earlier version has accepted.
func opens(handle handler) handler {
	return func(w http.ResponseWriter, r *http.Request, room string) error {
		if event.CheckName(room) != nil {
			return badName()
		}
		return handle(w, r, room)
	}
}

func badName() error {
	return badRoomName.because("A room’s name is 1 to 255 bytes of UTF-8, not blank and without control or invisible characters.")
}

// parameters returns the parameters of the query. The error is a problem if one is not
// among names, or is repeated, unless its name in names ends with "*".
func parameters(r *http.Request, names ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badParameter.because("The query behind the ? can’t be read: " + err.Error() + ".")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case slices.Contains(names, name+"*"):
		case !slices.Contains(names, name):
			known := make([]string, 0, len(names))
			for _, n := range names {
				known = append(known, strings.TrimSuffix(n, "*"))
			}
			return nil, badParameter.because(fmt.Sprintf("The parameter %q is unknown at this address.", name), known...)
		case len(values[name]) > 1:
			return nil, badParameter.because(fmt.Sprintf("The parameter %q must not be repeated.", name))
		}
	}
	return values, nil
}
