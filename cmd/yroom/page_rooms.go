package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

const roomTimeout = 5 * time.Second // how long a page waits for rooms

// roomData serves the data of the pages below /rooms as JSON: /rooms.json is a list of
// rooms, /room.json describes one room, and /cluster.json the processes.
type roomData struct {
	documents *document.Documents
	exports   *api.Handler // has the memory for documents
	guard     guard
	consumer  string // the name of this process
	monitor   *monitor
}

func (d *roomData) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet {
		h.Set("Allow", http.MethodGet)
		writeJSON(w, http.StatusMethodNotAllowed, problem{"This address is for GET."})
		return
	}
	if reason := d.guard.refuse(r); reason != "" {
		writeJSON(w, d.guard.challenge(h), problem{reason})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), roomTimeout)
	defer cancel()
	query := r.URL.Query()
	var status int
	var body any
	switch r.URL.Path {
	case "/rooms.json":
		status, body = d.list(ctx, listingOf(query))
	case "/cluster.json":
		after, _ := strconv.ParseInt(query.Get("after"), 10, 64) // anything else is 0
		status, body = d.monitor.cluster(time.Now(), after)
	default:
		name, since := query.Get("room"), query.Get("since")
		release, err := d.reserve(ctx, name, since)
		if err != nil {
			writeJSON(w, http.StatusServiceUnavailable, problem{"Too many large documents are being shown or exported. Try again later."})
			return
		}
		defer release()
		status, body = d.room(ctx, name, since)
	}
	writeJSON(w, status, body)
}

// pageCost is how many bytes a description of a room takes for each byte of the document:
// those of the update, of its base64, and of the JSON while it is written.
const pageCost = 8

// reserve reserves the memory for the description of a room, until release is called.
func (d *roomData) reserve(ctx context.Context, name, since string) (release func(), err error) {
	if info, err := d.documents.Document(name).Info(ctx); err == nil && info.Mark.String() != since {
		return d.exports.Reserve(ctx, pageCost*info.Summary.Size)
	}
	return func() {}, nil // the description has no document
}

// problem says why the request failed.
type problem struct {
	Error string `json:"error"`
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(data) // the browser may have closed the connection
}

// failed returns the response for an error of package document.
func failed(err error) (status int, body any) {
	closed, isClosed := errors.AsType[*protocol.CloseError](err)
	switch {
	case errors.Is(err, document.ErrNotFound):
		return http.StatusNotFound, problem{"There is no such room."}
	case isClosed:
		return http.StatusServiceUnavailable, problem{closed.Reason}
	}
	return http.StatusServiceUnavailable, problem{"The room does not respond. Its store may be slow."}
}

// connection describes a connection in a room.
type connection struct {
	ID      string  `json:"id"`             // the number in the log
	User    string  `json:"user,omitempty"` // absent if it isn't known
	Write   bool    `json:"write"`
	Present bool    `json:"present"` // the connection may send awareness
	States  []state `json:"states"`
}

// state is an awareness state.
type state struct {
	Client  uint64     `json:"client"`
	Clock   uint64     `json:"clock"`
	Renewed *time.Time `json:"renewed"`
	State   string     `json:"state"` // JSON, as the client sent it
}

// view describes one room.
type view struct {
	api.Room

	Members  []connection `json:"members"`
	API      bool         `json:"api"`                // the document API is on, which can change connections
	At       string       `json:"at"`                 // the since of the next request
	Whole    bool         `json:"whole"`              // Document is the whole document, and not only what was added
	Document []byte       `json:"document,omitempty"` // a V1 update; absent if nothing was added
}

// room describes one room, with what was added to its document after since, the At
// of an earlier response.
func (d *roomData) room(ctx context.Context, name, since string) (status int, body any) {
	var mark event.Mark
	_ = mark.UnmarshalText([]byte(since)) // anything else is the zero Mark
	info, err := d.documents.Document(name).Query(ctx, mark)
	closed, isClosed := errors.AsType[*protocol.CloseError](err)
	switch {
	case isClosed:
		return http.StatusOK, view{Room: api.RoomOf(event.RoomInfo{Name: name, State: event.RoomFailed, Failure: closed}), Members: []connection{}, API: d.guard.token != nil}
	case err != nil:
		return failed(err)
	}
	room := event.RoomInfo{Name: name, State: event.RoomOpen, Summary: info.Summary}
	if info.Mark.Epoch == 0 {
		if room, err = d.stored(ctx, name, info.Summary.Size); err != nil {
			return failed(err)
		}
	}
	v := view{
		Room:     api.RoomOf(room),
		Members:  make([]connection, 0, len(info.Members)),
		API:      d.guard.token != nil,
		At:       info.Mark.String(),
		Whole:    info.Whole,
		Document: info.Update,
	}
	for _, m := range info.Members {
		v.Members = append(v.Members, connection{
			ID:      m.ID.String(),
			User:    m.User,
			Write:   m.Access.May(event.AccessWrite),
			Present: m.Access.May(event.AccessPresent),
			States:  []state{},
		})
	}
	for _, s := range info.States {
		i, found := slices.BinarySearchFunc(info.Members, event.ConnID(s.Conn), func(m event.Member, id event.ConnID) int {
			return cmp.Compare(m.ID, id)
		})
		if found {
			renewed := s.Renewed.UTC().Truncate(time.Millisecond)
			v.Members[i].States = append(v.Members[i].States, state{s.Client, s.Clock, &renewed, string(s.JSON)})
		}
	}
	return http.StatusOK, v
}

// stored describes a room that is not in memory and whose document has this size. It
// adds the data of List if the store supports it.
func (d *roomData) stored(ctx context.Context, name string, size int) (event.RoomInfo, error) {
	part, err := d.documents.Rooms(ctx, document.ListOptions{Prefix: name, Limit: 1})
	if err != nil {
		return event.RoomInfo{}, err
	}
	if len(part.Rooms) > 0 && part.Rooms[0].Name == name && part.Rooms[0].State == event.RoomStored {
		return part.Rooms[0], nil
	}
	return event.RoomInfo{Name: name, State: event.RoomStored, StoredBytes: size}, nil
}
