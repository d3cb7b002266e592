package main

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

	"github.com/yroom/yroom"
)

// api is the document API below /api/, which openapi.yaml describes.
type api struct {
	rooms   *yroom.Server
	token   *apiToken               // nil: the API is off
	limit   func(room string) int64 // of a body, in bytes
	streams atomic.Int64            // that are open
}

// defaultMessageLimit is what yroom.Limits says of Message.
const defaultMessageLimit yroom.Bytes = 16 << 20

// messageLimit gives the limit on messages in a room, by its name.
func messageLimit(rows map[string]roomSettings) func(room string) int64 {
	return func(room string) int64 {
		prefix, _, _ := strings.Cut(room, ".")
		return int64(cmp.Or(rows[prefix].Limits.Message, rows[fallback].Limits.Message, defaultMessageLimit))
	}
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox") // what people write is never a page of this server
	if err := a.serve(w, r); err != nil {
		problem, ok := errors.AsType[*apiError](err)
		if !ok {
			problem = problemOf(err)
		}
		problem.write(w)
	}
}

// handler answers a request about a room, "" where the address names none. It
// has written nothing where it gives an error.
type handler func(w http.ResponseWriter, r *http.Request, room string) error

func (a *api) serve(w http.ResponseWriter, r *http.Request) error {
	if a.token == nil {
		return noSuchAddress.because("The document API is off. Start the server with --api-token-file.")
	}
	segments := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/api/"), "/")
	if segments[0] != "openapi.yaml" && !a.token.in(r) {
		challenge, detail := `Bearer realm="yroom"`, "Send the server’s API token, as Authorization: Bearer TOKEN."
		if r.Header.Get("Authorization") != "" {
			challenge += `, error="invalid_token"`
			detail = "This is not the server’s API token."
		}
		w.Header().Set("WWW-Authenticate", challenge)
		return unauthorized.because(detail)
	}
	methods, room, err := a.route(segments)
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

// route gives the methods of an address, by the segments of its escaped path.
func (a *api) route(segments []string) (methods map[string]handler, room string, err error) {
	switch {
	case len(segments) == 1 && segments[0] == "openapi.yaml":
		return map[string]handler{http.MethodGet: describe, http.MethodHead: describe}, "", nil
	case segments[0] != "rooms":
	case len(segments) == 1:
		return map[string]handler{http.MethodGet: a.list, http.MethodHead: a.list}, "", nil
	case len(segments) == 2:
		methods = map[string]handler{
			http.MethodGet: a.read, http.MethodHead: a.read,
			http.MethodPost: a.update, http.MethodPut: a.create, http.MethodDelete: a.delete,
		}
	case len(segments) == 3 && segments[2] == "events":
		methods = map[string]handler{http.MethodGet: a.events}
	default:
		return nil, "", noSuchAddress.because("A room’s name is one segment of the address: write %2F for each slash in it.")
	}
	if methods == nil {
		return nil, "", noSuchAddress.because("The document API has /api/rooms, /api/rooms/{room}, /api/rooms/{room}/events and /api/openapi.yaml.")
	}
	room, err = url.PathUnescape(segments[1])
	if err != nil || !yroom.ValidRoom(room) {
		return nil, "", badRoomName.because("A room’s name is 1 to 255 bytes of UTF-8, not blank and without control characters.")
	}
	return methods, room, nil
}

// parameters gives the query's parameters, which have to be among names. Those
// that end with "*" may be given more than once.
func parameters(r *http.Request, names ...string) (url.Values, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badParameter.because("What stands behind the ? can’t be read: " + err.Error() + ".")
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		switch {
		case slices.Contains(names, name+"*"):
		case !slices.Contains(names, name):
			known := make([]string, 0, len(names))
			for _, n := range names {
				known = append(known, strings.TrimSuffix(n, "*"))
			}
			return nil, badParameter.because(fmt.Sprintf("There is no parameter %q here.", name), known...)
		case len(values[name]) > 1:
			return nil, badParameter.because(fmt.Sprintf("The parameter %q may be given once.", name))
		}
	}
	return values, nil
}
