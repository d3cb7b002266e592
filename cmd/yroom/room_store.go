package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/internal/memhttp"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
)

// largestImport is the size of the largest update that can be imported into a store.
// The limit on messages is for clients only.
const largestImport yroom.Bytes = 1 << 30

// storeTimeout bounds a request to a store, which may be on a slow disk. An operator
// can interrupt the command before.
const storeTimeout = time.Hour

// withStore calls do with a client of a server that runs in this process, on the
// store at url, until do returns. config is the settings file of the store's own
// server. rows, if it isn't nil, changes the settings of rooms.
func withStore(ctx context.Context, url, config string, rows func(map[string]yroom.Settings), do func(*apiClient) error) (err error) {
	file, err := readSettings(config)
	if err != nil {
		return err
	}
	if url == inMemory {
		return errors.New("the store memory: exists only within its server: use --server, or a store such as sqlite:yroom.db")
	}
	if name, isFile := strings.CutPrefix(url, "sqlite:"); isFile {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is no file %s: yroom serve creates it", name)
		}
	}
	schema, err := schemas(file.Rooms)
	if err != nil {
		return err
	}
	documents, err := openStores(ctx, url, file.Rooms, sqlitestore.Config{Shared: true, Webhooks: webhooksOf(file.Webhooks)}, pgstore.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, documents.close()) }()
	if rows != nil {
		rows(documents.rooms)
	}
	rooms, err := yroom.New(yroom.Config{ //nolint:contextcheck // it ends with Shutdown
		Store:  documents.rest,
		Rooms:  documents.rooms,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rooms.Shutdown(context.Background())) }() //nolint:contextcheck // ctx may have ended

	documentAPI := api.New(api.Config{
		Documents:   rooms.Documents(),
		Schema:      schema,
		BodyLimit:   func(string) int64 { return int64(largestImport) },
		BodyTimeout: storeTimeout, // of the operator's own import, as from a pipe
	})
	listener := memhttp.Listen()
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { //nolint:gosec // its one client is here
		ctx, cancel := context.WithTimeout(r.Context(), storeTimeout)
		defer cancel()
		documentAPI.ServeHTTP(w, r.WithContext(ctx))
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) }) // wait until it is closed
	defer serving.Wait()
	defer func() { err = errors.Join(err, server.Close()) }()
	return do(&apiClient{
		base: "http://store",
		http: &http.Client{Transport: &http.Transport{DialContext: listener.Dial}},
	})
}

// forImport makes rooms keep deleted content unless a row says otherwise. The store's
// own server may need it; if not, it drops it later.
func forImport(rows map[string]yroom.Settings) {
	base := rows[fallback]
	if base.GC == yroom.SwitchDefault {
		base.GC = yroom.SwitchOff
	}
	rows[fallback] = base
}
