package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// maxSelection is the size of the largest body that selects connections, in bytes.
const maxSelection = 16 << 10

// Connections describes the connections in a room, as JSON.
type Connections struct {
	Connections []Connection `json:"connections"` // by ascending id
}

// Connection describes a connection, as JSON.
type Connection struct {
	ID      string   `json:"id"`             // a number, which may be too large for JavaScript
	User    string   `json:"user,omitempty"` // absent if it isn't known
	Access  string   `json:"access"`         // see event.Access.String
	Clients []uint64 `json:"clients"`        // whose awareness states it has sent
}

// connections lists the connections in a room.
func (a *Handler) connections(w http.ResponseWriter, r *http.Request, room string) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	d := a.documents.Document(room)
	info, err := d.Info(r.Context())
	if err == nil {
		info, err = d.Query(r.Context(), info.Mark) // without the document
	}
	if err != nil {
		return err
	}
	shown := Connections{Connections: make([]Connection, 0, len(info.Members))}
	index := make(map[uint64]int, len(info.Members))
	for i, m := range info.Members {
		index[uint64(m.ID)] = i
		shown.Connections = append(shown.Connections, Connection{
			ID: m.ID.String(), User: m.User, Access: m.Access.String(), Clients: []uint64{},
		})
	}
	for _, s := range info.States {
		if i, found := index[s.Conn]; found {
			shown.Connections[i].Clients = append(shown.Connections[i].Clients, s.Client)
		}
	}
	body, err := json.Marshal(shown)
	if err != nil {
		return err
	}
	return answer(w, r, "application/json", hashTag(body), body)
}

// controlBody is the body of a request that changes connections. One of its first two
// fields is set.
type controlBody struct {
	User       string `json:"user"`
	Connection string `json:"connection"` // the ID of a Connection
	Access     string `json:"access"`     // for an access
	Reason     string `json:"reason"`     // for an expel; may be empty
}

// counted is the response to a change of connections.
type counted struct {
	Connections int `json:"connections"`
}

// setAccess changes the access of connections in a room, or in all rooms if room is "".
func (a *Handler) setAccess(w http.ResponseWriter, r *http.Request, room string) error {
	q, selected, err := a.readSelection(w, r)
	if err != nil {
		return err
	}
	access, ok := event.ParseAccess(q.Access)
	if !ok || q.Reason != "" {
		return badContent.because("access has to be one of the words for access, and reason is only for an expel.", "write", "read", "hidden", "hidden-write")
	}
	change := a.documents.SetAccess
	if room != "" {
		change = a.documents.Document(room).SetAccess
	}
	n, err := change(r.Context(), selected, access)
	return answerCount(w, n, err)
}

// expel closes connections in a room, or in all rooms if room is "".
func (a *Handler) expel(w http.ResponseWriter, r *http.Request, room string) error {
	q, selected, err := a.readSelection(w, r)
	if err != nil {
		return err
	}
	if q.Access != "" {
		return badContent.because("access is not for an expel.")
	}
	change := a.documents.Expel
	if room != "" {
		change = a.documents.Document(room).Expel
	}
	n, err := change(r.Context(), selected, protocol.CloseError{Reason: q.Reason})
	return answerCount(w, n, err)
}

// broadcast sends the body to the connections in a room, as a stateless message.
func (a *Handler) broadcast(w http.ResponseWriter, r *http.Request, room string) error {
	body, err := a.readControl(w, r, document.MaxPayload, "text/plain", "application/json")
	if err != nil {
		return err
	}
	if !utf8.Valid(body) {
		return badContent.because("The body has to be UTF-8.")
	}
	n, err := a.documents.Document(room).Broadcast(r.Context(), string(body))
	return answerCount(w, n, err)
}

// readSelection reads the body of a request that selects connections.
func (a *Handler) readSelection(w http.ResponseWriter, r *http.Request) (q controlBody, selected document.Selection, err error) {
	body, err := a.readControl(w, r, maxSelection, "application/json")
	if err != nil {
		return q, selected, err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&q); err != nil || d.More() {
		return q, selected, badContent.because(`The body has to be one JSON object such as {"user": "ada"} or {"connection": "123"}.`)
	}
	if (q.User == "") == (q.Connection == "") {
		return q, selected, badContent.because("The body has to name either a user or a connection.")
	}
	selected.User = q.User
	if q.Connection != "" {
		id, err := strconv.ParseUint(q.Connection, 10, 64)
		if err != nil || id == 0 {
			return q, selected, badContent.because("connection has to be the id of a connection, as a string of digits.")
		}
		selected.Conn = event.ConnID(id)
	}
	return q, selected, nil
}

// readControl reads the body of a request that changes connections. It is of one of the
// media types, if it says so.
func (a *Handler) readControl(w http.ResponseWriter, r *http.Request, limit int64, mediaTypes ...string) ([]byte, error) {
	if _, err := parameters(r); err != nil {
		return nil, err
	}
	if err := noPreconditions(r, "If-Match", "If-None-Match"); err != nil {
		return nil, err
	}
	given, err := mediaTypeOf(r.Header)
	if err != nil || given != "" && !slices.Contains(mediaTypes, given) {
		return nil, wrongMediaType.because("Send the body as "+strings.Join(mediaTypes, " or ")+", without Content-Encoding.", mediaTypes...)
	}
	return a.readBody(w, r, limit, "the limit of this address")
}

func answerCount(w http.ResponseWriter, n int, err error) error {
	if err != nil {
		return err
	}
	body, err := json.Marshal(counted{n})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = newTimedWriter(w).Write(body) // the client may have closed the connection
	return nil
}
