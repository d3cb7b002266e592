package main

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// The address that a server redirects to is printed without the path of the API.
func TestRoomRedirected(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://rooms.example.com"+r.URL.RequestURI(), http.StatusMovedPermanently)
	}))
	defer server.Close()
	client, err := newAPIClient(server.URL, "token")
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.do(t.Context(), http.MethodGet, roomAddress("a/b c")+"?format=update", nil, nil)
	if want := "the server redirects to https://rooms.example.com: use that address"; err == nil || err.Error() != want {
		t.Errorf("answered: %v, want %s", err, want)
	}
}
