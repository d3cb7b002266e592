package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/prosemirror"
)

const apiPrefix = "/api"

// apiGuard passes requests for the document API on if they carry the token.
type apiGuard struct {
	token *apiToken // nil: the API is off
	api   http.Handler
}

func (g apiGuard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case g.token == nil:
		api.NewProblem("no-such-address", http.StatusNotFound, "This address doesn't exist",
			"The document API is off. Start the server with --api-token-file.").Write(w)
	case r.URL.EscapedPath() == apiPrefix+"/openapi.yaml":
		g.api.ServeHTTP(w, r)
	case g.token.in(r):
		uncount(r)
		g.api.ServeHTTP(w, r)
	default:
		challenge, detail := `Bearer realm="yroom"`, "Send the server’s API token, as Authorization: Bearer TOKEN."
		if r.Header.Get("Authorization") != "" {
			challenge += `, error="invalid_token"`
			detail = "This is not the server’s API token."
		}
		w.Header().Set("WWW-Authenticate", challenge)
		api.NewProblem("unauthorized", http.StatusUnauthorized, "The API token is missing or wrong", detail).Write(w)
	}
}

// defaultMessageLimit is the default of yroom.Limits.Message.
const defaultMessageLimit yroom.Bytes = 16 << 20

// messageLimit returns a function that returns the limit on messages in a room.
func messageLimit(rows map[string]roomSettings) func(room string) int64 {
	rowOf := rowOf(rows)
	return func(room string) int64 {
		return int64(cmp.Or(rows[rowOf(room)].Limits.Message, rows[fallback].Limits.Message, defaultMessageLimit))
	}
}

// schemas returns a function that returns the schema of the documents of a room.
func schemas(rows map[string]roomSettings) (func(room string) *prosemirror.Schema, error) {
	all := map[string]*prosemirror.Schema{}
	for _, key := range append(slices.Sorted(maps.Keys(rows)), fallback) {
		cfg, base := rows[key].Editor, rows[fallback].Editor
		if cfg.Schema == "" && cfg.Root == "" && len(cfg.Names) == 0 {
			cfg = base
		}
		schema, err := prosemirror.NewSchema(cfg)
		if err != nil {
			return nil, fmt.Errorf("rooms: %s: editor: %w", key, err)
		}
		all[key] = schema
	}
	rowOf := rowOf(rows)
	return func(room string) *prosemirror.Schema { return all[rowOf(room)] }, nil
}
