package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealthAddress(t *testing.T) {
	for _, address := range []string{
		"http://127.0.0.1:8000", "http://127.0.0.1:8000/", "http://127.0.0.1:8000/notreadyz", "http:///readyz",
		"127.0.0.1:8000/readyz", "localhost:8000/readyz", "ftp://127.0.0.1/readyz", "/readyz", "",
	} {
		if err := (healthCmd{URL: address}).Run(); err == nil || !strings.Contains(err.Error(), "want an address such as") {
			t.Errorf("%q: the error is %v", address, err)
		}
	}
}

// A redirect, as to a login, is no health.
func TestHealthFollowsNoRedirect(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			http.Redirect(w, r, "/login", http.StatusFound)
		}
	}))
	defer s.Close()
	if err := (healthCmd{URL: s.URL + "/readyz"}).Run(); err == nil || !strings.Contains(err.Error(), "302 Found") {
		t.Errorf("the error is %v, want one with the status", err)
	}
	if err := (healthCmd{URL: s.URL + "/healthz"}).Run(); err != nil {
		t.Error(err)
	}
}
