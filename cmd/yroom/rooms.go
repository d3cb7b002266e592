package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/store"
)

const (
	roomsAtOnce    = 200             // the most in one list
	answerPatience = 5 * time.Second // how long to wait for rooms

	closedDeleted yroom.CloseCode = 4404 // a room that was deleted

	asStored = "stored" // the state of a room that is not in memory
)

// roomData serves the data of the pages below /rooms as JSON: /rooms.json is a list
// of rooms, /room.json one of them.
type roomData struct {
	rooms *yroom.Server
	guard guard
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
		status := http.StatusForbidden
		if d.guard.token != nil {
			h.Set("WWW-Authenticate", `Bearer realm="yroom"`)
			status = http.StatusUnauthorized
		}
		writeJSON(w, status, problem{reason})
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerPatience)
	defer cancel()
	query := r.URL.Query()
	var status int
	var body any
	if r.URL.Path == "/rooms.json" {
		status, body = d.list(ctx, query.Get("prefix"), query.Get("after"))
	} else {
		status, body = d.room(ctx, query.Get("room"), query.Get("since"))
	}
	writeJSON(w, status, body)
}

// problem is the response if a request fails.
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
	_, _ = w.Write(data) // the browser may be gone
}

// summary describes a room in the list.
type summary struct {
	Name        string     `json:"name"`
	State       string     `json:"state"`             // a yroom.State, or stored: not in memory
	Reason      string     `json:"reason,omitempty"`  // why it failed
	Connections int        `json:"connections"`       //
	People      int        `json:"people"`            // awareness states
	Bytes       int        `json:"bytes"`             // approximate size of the document
	Changed     *time.Time `json:"changed,omitempty"` // none: not since the room was opened
	Stored      *time.Time `json:"stored,omitempty"`  // time of the last append, or of a snapshot
}

func summaryOf(s yroom.Summary) summary {
	shown := summary{Name: s.Name, State: s.State.String(), Connections: s.Conns, People: s.Clients, Bytes: s.Size, Changed: moment(s.Changed)}
	if s.Failure != nil {
		shown.Reason = s.Failure.Reason
	}
	return shown
}

func storedSummary(l store.Listed) summary {
	return summary{Name: l.Room, State: asStored, Bytes: l.Bytes, Stored: moment(l.Stored)}
}

// moment returns nil if t is zero.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

// list is a part of the list of rooms.
type list struct {
	Rooms []summary `json:"rooms"`
	Open  int       `json:"open"`           // how many rooms are in memory
	Next  string    `json:"next,omitempty"` // the value of after for the next part
}

// list lists rooms for the page.
func (d *roomData) list(ctx context.Context, prefix, after string) (status int, body any) {
	part, err := listRooms(ctx, d.rooms, prefix, after, roomsAtOnce)
	if err != nil {
		return http.StatusServiceUnavailable, problem{err.Error()}
	}
	return http.StatusOK, part
}

// listRooms lists the first most rooms, or fewer, whose names begin with prefix
// and come after the name after, in the order of their names: those that are in
// memory, and those that are stored.
func listRooms(ctx context.Context, rooms *yroom.Server, prefix, after string, most int) (list, error) {
	open := rooms.Rooms()
	part := list{Open: len(open), Rooms: []summary{}}
	open = slices.DeleteFunc(open, func(name string) bool { return name <= after || !strings.HasPrefix(name, prefix) })
	looked := "" // the last name that was listed; "": to the end
	if len(open) > most+1 {
		open, looked = open[:most+1], open[most]
	}
	stored, err := rooms.Stored(ctx, prefix, after, most+1)
	if err != nil {
		return list{}, err
	}
	all := make(map[string]summary, len(open)+len(stored))
	for _, l := range stored {
		all[l.Room] = storedSummary(l)
	}
	for _, s := range rooms.Summaries(ctx, open) {
		if s.Failure != nil && s.Failure.Code == closedDeleted {
			continue // the room is kept only to refuse connections
		}
		shown := summaryOf(s)
		shown.Stored = all[s.Name].Stored
		all[s.Name] = shown
	}
	names := slices.Sorted(maps.Keys(all))
	if looked != "" {
		names = slices.DeleteFunc(names, func(name string) bool { return name > looked })
	}
	part.Next = looked
	if len(names) > most {
		names = names[:most]
		part.Next = names[most-1]
	}
	for _, name := range names {
		part.Rooms = append(part.Rooms, all[name])
	}
	return part, nil
}

// connection describes a connection of a room.
type connection struct {
	ID      string  `json:"id"` // as in the log
	Write   bool    `json:"write"`
	Present bool    `json:"present"` // it may have awareness states
	States  []state `json:"states"`
}

// state is the awareness state of a client.
type state struct {
	Client  uint64     `json:"client"`
	Clock   uint64     `json:"clock"`
	Renewed *time.Time `json:"renewed"`
	State   string     `json:"state"` // JSON, as the client sent it
}

// view describes one room.
type view struct {
	summary

	Members  []connection `json:"members"`
	At       string       `json:"at"`                 // the value of since for the next request
	Whole    bool         `json:"whole"`              // Document is all of it, not what is new
	Document []byte       `json:"document,omitempty"` // a V1 update; none: nothing is new
}

// room describes one room, with the changes of its document after since, the at of
// an earlier response.
func (d *roomData) room(ctx context.Context, name, since string) (status int, body any) {
	mark, _ := yroom.ParseMark(since) // an invalid one is the zero Mark
	a, err := d.rooms.Query(ctx, name, mark)
	closed, isClosed := errors.AsType[*yroom.CloseError](err)
	switch {
	case isClosed:
		return http.StatusOK, view{summary: summary{Name: name, State: yroom.Failed.String(), Reason: closed.Reason}, Members: []connection{}}
	case errors.Is(err, yroom.ErrUnavailable):
		return http.StatusNotFound, problem{"There is no such room."}
	case err != nil:
		return http.StatusServiceUnavailable, problem{"The room does not answer. Its store may be slow."}
	}
	v := view{
		summary:  summaryOf(yroom.Summary{Name: name, State: yroom.Open, Summary: a.Summary}),
		Members:  make([]connection, 0, len(a.Members)),
		At:       yroom.FormatMark(a.At),
		Whole:    a.Whole,
		Document: a.Update,
	}
	if a.At.Opened.IsZero() {
		if v.summary, err = d.storedSummary(ctx, name, a.Size); err != nil {
			return http.StatusServiceUnavailable, problem{err.Error()}
		}
	}
	for _, m := range a.Members {
		v.Members = append(v.Members, connection{
			ID:      strconv.FormatUint(uint64(m.ID), 10),
			Write:   m.Access.May(yroom.Write),
			Present: m.Access.May(yroom.Present),
			States:  []state{},
		})
	}
	for _, s := range a.States {
		i, found := slices.BinarySearchFunc(a.Members, yroom.ConnID(s.Conn), func(m yroom.Member, id yroom.ConnID) int {
			return cmp.Compare(m.ID, id)
		})
		if found {
			v.Members[i].States = append(v.Members[i].States, state{s.Client, s.Clock, moment(s.Renewed), string(s.JSON)})
		}
	}
	return http.StatusOK, v
}

// storedSummary describes a room that is not in memory, whose document has so many
// bytes. It has more details if the store can list the room.
func (d *roomData) storedSummary(ctx context.Context, name string, size int) (summary, error) {
	listed, err := d.rooms.Stored(ctx, name, "", 1)
	if err == nil && len(listed) > 0 && listed[0].Room == name {
		return storedSummary(listed[0]), nil
	}
	return summary{Name: name, State: asStored, Bytes: size}, err
}
