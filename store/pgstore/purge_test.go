package pgstore_test

import (
	"errors"
	"os"
	"testing"

	"github.com/yroom/yroom/internal/markdown"
	"github.com/yroom/yroom/internal/testkit/postgres"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
)

// The SQL of the documentation purges rooms that were deleted long ago, and only those.
func TestDocumentedPurge(t *testing.T) {
	blocks, err := markdown.Blocks(os.DirFS("../.."), "sql")
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%d blocks of SQL in the documentation (%v), want 1", len(blocks), err)
	}
	server := postgres.Start(t)
	url := server.URL(server.Create(t))
	s := open(t, url, pgstore.Config{})
	for _, room := range []string{"lives", "deleted", "deleted long ago"} {
		if _, err := s.Append(t.Context(), room, store.Entry{Encoding: store.V1, Data: []byte("a")}); err != nil {
			t.Fatal(err)
		}
		if room == "lives" {
			continue
		}
		if err := s.Delete(t.Context(), room); err != nil {
			t.Fatal(err)
		}
	}
	exec(t, url, "UPDATE yroom.rooms SET deleted_at = now() - interval '91 days' WHERE name = 'deleted long ago'")
	exec(t, url, blocks[0].Text)
	for room, want := range map[string]error{"lives": nil, "deleted": store.ErrDeleted, "deleted long ago": store.ErrNotFound} {
		if _, err := s.Load(t.Context(), room); !errors.Is(err, want) {
			t.Errorf("Load(%q) returned the error %v, want %v", room, err, want)
		}
	}
	p, err := s.Append(t.Context(), "deleted long ago", store.Entry{Encoding: store.V1, Data: []byte("a")})
	if p != 1 || err != nil {
		t.Errorf("Append to the purged room returned position %d and %v, want 1", p, err)
	}
}
