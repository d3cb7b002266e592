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
// store at url, until do returns. All rooms are in that store, also those for which the settings name
// another one. config is the settings file of the store's own server. rows, if it isn't nil, changes the settings of rooms.
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
	if err := refuseOlder(ctx, url); err != nil {
		return err
	}
	for prefix, row := range file.Rooms {
		if at := row.StoreURL; prefix != fallback && at != "" && location(at) != location(url) {
			fmt.Fprintf(os.Stderr, "yroom: only %s is used, and the settings file keeps rooms of %s in %s\n", withoutPassword(url), prefix, withoutPassword(at))
		}
		row.StoreURL = ""
		file.Rooms[prefix] = row
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

// refuseOlder returns an error if an older version of yroom has written the store: this one would
// migrate it, and a server of that version couldn't write to it any more.
func refuseOlder(ctx context.Context, url string) error {
	opened, err := inspect(ctx, url)
	if err != nil {
		return nil //nolint:nilerr // opening the store fails too, and says why
	}
	overview, err := opened.Overview(ctx)
	if err := errors.Join(err, opened.Close()); err != nil {
		return err
	}
	if 0 < overview.Schema && overview.Schema < overview.Knows { // 0 is a new store
		return fmt.Errorf("an older version of yroom has written the store: make a copy with yroom backup, and start the server of this version, which migrates it; "+
			"or use the yroom of its server's version (the store has the schema %d, and this version %d)", overview.Schema, overview.Knows)
	}
	return nil
}

// servedBy returns the process of a server that has opened the SQLite file of --store, or "" if there
// is none, or if it can't be known: a server with a layer shares the file.
func (c *roomCommands) servedBy() (process string, err error) {
	file, isFile := strings.CutPrefix(c.Store, "sqlite:")
	if !isFile {
		return "", nil
	}
	return sqlitestore.OpenedBy(file)
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
