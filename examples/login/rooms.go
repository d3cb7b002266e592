package main

import (
	"context"
	"net/http"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/store"
)

// members holds what each user may do in each room. No other rooms exist, and no other
// user may enter.
var members = map[string]map[string]event.Access{
	"notes": {"ada": event.AccessWrite | event.AccessPresent, "bob": event.AccessRead | event.AccessPresent},
	"diary": {"ada": event.AccessWrite | event.AccessPresent},
}

// newRooms starts the server of the rooms, which admits the users that userOf returns.
func newRooms(documents store.Store, userOf func(*http.Request) (name string, ok bool)) (*yroom.Server, error) {
	admit := func(_ context.Context, r consumer.Request) (consumer.Admission, error) {
		user, ok := userOf(r.HTTP)
		if !ok {
			return consumer.Admission{}, &consumer.StatusError{Status: http.StatusUnauthorized, Reason: "Please log in."}
		}
		access, ok := members[r.Room][user]
		if !ok {
			return consumer.Admission{}, &consumer.StatusError{Status: http.StatusForbidden, Reason: "This room is not yours."}
		}
		return consumer.Admission{Room: r.Room, Access: access, User: user, Name: user}, nil
	}
	return yroom.New(yroom.Config{Store: documents, Hooks: consumer.Hooks{Admit: admit}})
}
