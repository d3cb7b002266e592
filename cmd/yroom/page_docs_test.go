package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/testkit"
)

// The documentation is public, and has the version of the server.
func TestPageOfDocumentation(t *testing.T) {
	server, err := yroom.New(yroom.Config{Logger: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Shutdown(context.Background()) }()
	s := testSite(server, guard{token: newToken(theToken)})
	for _, path := range []string{"/docs/", "/docs/operations.html"} {
		r := httptest.NewRequest(http.MethodGet, "https://yroom.example.org"+path, http.NoBody)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `<span id="version">`+version()+"</span>") {
			t.Errorf("%s: status %d\n%.200s", path, w.Code, w.Body)
		}
	}
}
