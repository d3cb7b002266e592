package main

import (
	"net/http"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/store"
)

// members holds what each person may do in each room: there are no other rooms,
// and nobody else may enter.
var members = map[string]map[string]yroom.Access{
	"notes": {"ada": yroom.Write | yroom.Present, "bob": yroom.Read | yroom.Present},
	"diary": {"ada": yroom.Write | yroom.Present},
}

// newRooms starts the server of the rooms, which lets in whom userOf knows.
func newRooms(documents store.Store, userOf func(*http.Request) (name string, ok bool)) (*yroom.Server, error) {
	admit := func(r *http.Request) (yroom.Admission, error) {
		user, ok := userOf(r)
		if !ok {
			return yroom.Admission{}, &yroom.StatusError{Status: http.StatusUnauthorized, Reason: "Please log in."}
		}
		room := r.PathValue("room")
		access, ok := members[room][user]
		if !ok {
			return yroom.Admission{}, &yroom.StatusError{Status: http.StatusForbidden, Reason: "This room is not yours."}
		}
		return yroom.Admission{Room: room, Access: access, User: user}, nil
	}
	return yroom.New(yroom.Config{Store: documents, Hooks: yroom.Hooks{Admit: admit}})
}
