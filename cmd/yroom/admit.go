package main

import (
	"net/http"
	"strings"

	"github.com/yroom/yroom"
)

// admit admits every request to every room. With ?readonly the connection is
// read-only: that protects no room, but a page that shows a document can't change it.
func admit(r *http.Request) (yroom.Admission, error) {
	a := yroom.Admission{
		Room:   strings.TrimPrefix(r.URL.Path, "/"),
		Access: yroom.Write | yroom.Present,
	}
	if r.URL.Query().Has("readonly") {
		a.Access = yroom.Present
	}
	return a, nil
}
