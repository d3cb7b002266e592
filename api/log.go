package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// MaxEntries is the largest number of entries in a description of a log. The default limit
// of a request is 100.
const MaxEntries = 10_000

// Log describes the newest entries of the stored log of a room, as JSON.
type Log struct {
	Entries []LogEntry `json:"entries"` // by ascending position
}

// LogEntry describes an entry of a log, as JSON.
type LogEntry struct {
	Position uint64    `json:"position"`
	Bytes    int       `json:"bytes"`
	Stored   time.Time `json:"stored"`
	Written  []Written `json:"written"` // of up to event.MaxAuthors clients
	Clients  int       `json:"clients"` // how many there are
	Deleted  uint64    `json:"deleted"` // how many elements it deletes
}

// Written is elements of a Yjs client, as JSON: from the clock From on, up to To, which is
// not included.
type Written struct {
	Client uint64 `json:"client"`
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
}

// log describes the log of a room.
func (a *Handler) log(w http.ResponseWriter, r *http.Request, room string) error {
	query, err := parameters(r, "limit")
	if err != nil {
		return err
	}
	limit := 100
	if text := query.Get("limit"); text != "" {
		if limit, err = strconv.Atoi(text); err != nil || limit < 1 || limit > MaxEntries {
			return badParameter.because(fmt.Sprintf("limit has to be a number from 1 to %d.", MaxEntries))
		}
	}
	entries, err := a.documents.Document(room).Log(r.Context(), limit)
	if err != nil {
		return err
	}
	shown := Log{Entries: make([]LogEntry, 0, len(entries))}
	for _, e := range entries {
		written := make([]Written, 0, len(e.Written))
		for _, x := range e.Written {
			written = append(written, Written(x))
		}
		shown.Entries = append(shown.Entries, LogEntry{e.Position, e.Bytes, e.Stored, written, e.Clients, e.Deleted})
	}
	body, err := json.Marshal(shown)
	if err != nil {
		return err
	}
	return answer(w, r, "application/json", hashTag(body), body)
}

// cut removes entries from the log of a room, and closes its connections.
func (a *Handler) cut(w http.ResponseWriter, r *http.Request, room string) error {
	query, err := parameters(r, "from")
	if err != nil {
		return err
	}
	if err := noPreconditions(r, "If-Match", "If-None-Match"); err != nil {
		return err
	}
	from, err := strconv.ParseUint(query.Get("from"), 10, 64)
	if err != nil {
		return badParameter.because("from has to be the position of the first entry to remove, as GET of this address has it.")
	}
	if err := a.documents.Document(room).Cut(r.Context(), from); err != nil {
		return err
	}
	newTimedWriter(w).WriteHeader(http.StatusNoContent)
	return nil
}
