package main

import (
	"net/http"
	"strings"

	"github.com/yroom/yroom"
)

// admit lets everybody into every room. Who asks to (?readonly) only reads:
// nobody is kept out by that, but a page that shows a document can't change it.
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
