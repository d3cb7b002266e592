package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
)

// The page of a room waits for the memory of exports, unless it has the document.
func TestRoomPageWaitsForMemory(t *testing.T) {
	server, err := yroom.New(yroom.Config{Logger: testkit.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Shutdown(context.Background()) }()
	if err := server.Document("notes").Create(t.Context(), testkit.Typed(1, 0, "hello"), blocks.V1); err != nil {
		t.Fatal(err)
	}
	s := testSite(server, guard{})
	release, err := s.roomData.(*roomData).exports.Reserve(t.Context(), 1<<40)
	if err != nil {
		t.Fatal(err)
	}
	get := func(since string) int {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/room.json?room=notes&since="+since, nil)
		r.RemoteAddr, r.Host = "127.0.0.1:4000", "localhost:8000"
		w := httptest.NewRecorder()
		s.roomData.ServeHTTP(w, r)
		return w.Code
	}
	if got := get(""); got != http.StatusServiceUnavailable {
		t.Errorf("while all memory is taken, the status is %d, want 503", got)
	}
	info, err := server.Document("notes").Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := get(info.Mark.String()); got != http.StatusOK {
		t.Errorf("for a page that has the document, the status is %d, want 200", got)
	}
	release()
	if got := get(""); got != http.StatusOK {
		t.Errorf("afterwards, the status is %d, want 200", got)
	}
}
