package api

import (
	"net/http"
	"testing"
)

func TestChoose(t *testing.T) {
	offers := []string{"application/octet-stream", "application/x-two", "application/json", "text/plain", "application/xml"}
	for _, test := range []struct{ accept, want string }{
		{"-", "application/octet-stream"}, // no header
		{"*/*", "application/octet-stream"},
		{"application/*", "application/octet-stream"},
		{"text/*", "text/plain"},
		{"TEXT/Plain", "text/plain"},
		{"text/plain; charset=latin1", "text/plain"},
		{"application/json, text/plain, */*", "application/json"},                                    // axios
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"},       // a browser
		{"text/plain;q=0.5, application/json;q=0.4", "text/plain"},                                   // the highest quality
		{"text/plain;q=0.4, application/json;q=0.5", "application/json"},                             //
		{"*/*, application/xml", "application/xml"},                                                  // the most precise range
		{"*/*, text/*", "text/plain"},                                                                //
		{"application/xml, application/json", "application/xml"},                                     // the first range
		{"application/octet-stream;q=0, */*", "application/x-two"},                                   // what isn't wanted
		{"text/*;q=0.9, text/plain;q=0, application/json;q=0.1", "application/json"},                 //
		{"nonsense, application/json;q=2, text/plain;q=x, application/xml;q=0.1", "application/xml"}, // elements that can't be parsed
		{"application/json;q=0", ""},
		{"image/png", ""},
	} {
		h := http.Header{}
		if test.accept != "-" {
			h.Set("Accept", test.accept)
		}
		got := ""
		if i := choose(accepted(h), offers); i >= 0 {
			got = offers[i]
		}
		if got != test.want {
			t.Errorf("Accept: %s chooses %q, want %q", test.accept, got, test.want)
		}
	}
	h := http.Header{"Accept": {"text/plain;q=0.5", "application/json"}}
	if i := choose(accepted(h), offers); offers[i] != "application/json" {
		t.Errorf("only one of two header lines is used: %s", offers[i])
	}
}
