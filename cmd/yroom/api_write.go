package main

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"

	"github.com/yroom/yroom"
)

// Media types of updates, by their encoding.
const (
	updateV1 = "application/octet-stream"
	updateV2 = "application/vnd.yroom.update-v2"
)

// update applies an update, and answers once it is stored.
func (a *api) update(w http.ResponseWriter, r *http.Request, room string) error {
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
	err = a.rooms.Document(room).Apply(r.Context(), data, enc)
	if errors.Is(err, yroom.ErrUnavailable) {
		return roomDeleted.because("Nothing can be added to it. PUT creates it again, and so does yroom room import --new.")
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// create creates a room that does not exist. Of concurrent requests, one succeeds.
func (a *api) create(w http.ResponseWriter, r *http.Request, room string) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	if err := noPreconditions(r, "If-Match"); err != nil {
		return err
	}
	if only := r.Header.Values("If-None-Match"); len(only) != 1 || strings.TrimSpace(only[0]) != "*" {
		return noPrecondition.because("PUT makes a room that is not there and replaces none: send If-None-Match: * with it. To change a room that is there, send an update by POST.")
	}
	data, enc, err := a.body(w, r, room)
	if err != nil {
		return err
	}
	if err := a.rooms.Document(room).Create(r.Context(), data, enc); err != nil {
		return err
	}
	w.Header().Set("Location", roomAddress(room))
	w.WriteHeader(http.StatusCreated)
	return nil
}

// delete deletes a room, whoever is in it.
func (a *api) delete(w http.ResponseWriter, r *http.Request, room string) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	if err := noPreconditions(r, "If-Match", "If-None-Match"); err != nil {
		return err
	}
	if err := a.rooms.Document(room).Delete(r.Context()); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// noPreconditions refuses what would be done although the client asks to do it
// only under a condition.
func noPreconditions(r *http.Request, names ...string) error {
	for _, name := range append(names, "If-Modified-Since", "If-Unmodified-Since") {
		if r.Header.Get(name) != "" {
			return badPrecondition.because(name + " is not for " + r.Method + ": it could not be checked and kept at once. Nothing was changed.")
		}
	}
	return nil
}

// body reads an update and tells its encoding, which is never guessed.
func (a *api) body(w http.ResponseWriter, r *http.Request, room string) ([]byte, yroom.Encoding, error) {
	enc, err := encodingOf(r.Header)
	if err != nil {
		return nil, 0, err
	}
	limit := a.limit(room)
	tooMuch := tooLarge.because(fmt.Sprintf("The limit is %d bytes: limits.message of this room.", limit))
	if r.ContentLength > limit {
		return nil, 0, tooMuch
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	switch _, past := errors.AsType[*http.MaxBytesError](err); {
	case past:
		return nil, 0, tooMuch
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, 0, badBody.because("The body took too long to arrive.")
	case err != nil:
		return nil, 0, badBody.because("The body can’t be read: " + err.Error() + ".")
	}
	return data, enc, nil
}

func encodingOf(h http.Header) (yroom.Encoding, error) {
	if coding := h.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return 0, wrongMediaType.because("Send the update as it is, without Content-Encoding.")
	}
	given := h.Get("Content-Type")
	if given == "" {
		return yroom.V1, nil
	}
	mediaType, _, err := mime.ParseMediaType(given)
	switch {
	case err == nil && mediaType == updateV1:
		return yroom.V1, nil
	case err == nil && mediaType == updateV2:
		return yroom.V2, nil
	}
	detail := "Send an update in the V1 encoding as " + updateV1 + ", or in the V2 encoding as " + updateV2 + "."
	if mediaType == "application/x-www-form-urlencoded" {
		detail += " curl says that it is a form unless it is told otherwise with -H."
	}
	return 0, wrongMediaType.because(detail, updateV1, updateV2)
}
