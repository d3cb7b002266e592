package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/yjs"
)

// A program mounts the API behind its own authorization.
func Example() {
	server, err := yroom.New(yroom.Config{})
	check(err)
	documents := api.New(api.Config{Documents: server.Documents()})
	mux := http.NewServeMux()
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "ada" || password != "engine" {
			w.Header().Set("WWW-Authenticate", `Basic realm="documents"`)
			api.NewProblem("unauthorized", http.StatusUnauthorized, "Please log in", "Send a name and a password.").Write(w)
			return
		}
		documents.ServeHTTP(w, r)
	})
	web := httptest.NewServer(mux)

	ctx := context.Background()
	check(server.Document("minutes").Apply(ctx, testkit.Typed(1, 0, "The meeting is over."), yjs.V1))
	for _, password := range []string{"wrong", "engine"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, web.URL+"/api/rooms/minutes?format=text&name=text", http.NoBody)
		check(err)
		r.SetBasicAuth("ada", password)
		resp, err := http.DefaultClient.Do(r)
		check(err)
		body, err := io.ReadAll(resp.Body)
		check(err)
		check(resp.Body.Close())
		if resp.StatusCode != http.StatusOK {
			fmt.Println(resp.Status)
			continue
		}
		fmt.Printf("%s\n", body)
	}
	web.Close()
	check(server.Shutdown(ctx))
	// Output:
	// 401 Unauthorized
	// The meeting is over.
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
