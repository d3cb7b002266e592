package main

import (
	"context"
	"strings"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
)

// admit admits all clients to all rooms. A client that connects with ?readonly can only
// read. This is not access control: it lets a page show a document without being able
// to change it.
func admit(_ context.Context, r consumer.Request) (consumer.Admission, error) {
	a := consumer.Admission{
		Room:   strings.TrimPrefix(r.HTTP.URL.Path, "/"),
		Access: event.AccessWrite | event.AccessPresent,
	}
	if r.HTTP.URL.Query().Has("readonly") {
		a.Access = event.AccessPresent
	}
	return a, nil
}
