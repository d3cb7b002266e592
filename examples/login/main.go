// Command login is a web app with its own login and with rooms. rooms.go decides
// which users may enter a room and which may only read it. Only rooms.go and a few
// lines below use yroom.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/yroom/yroom/store/sqlitestore"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8010", "the address and the port to listen on")
	flag.Parse()
	if err := run(*listen); err != nil {
		log.Fatal(err)
	}
}

func run(listen string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("name another address with -listen: %w", err)
	}
	defer func() { _ = listener.Close() }() // the server closes it, if it was started
	key := make(sessions, 32)               // a real app stores its key, so that users stay logged in when it restarts
	_, _ = rand.Read(key)

	documents, err := sqlitestore.Open("login.db", sqlitestore.Config{})
	if err != nil {
		return err
	}
	rooms, err := newRooms(documents, key.userOf)
	if err != nil {
		return err
	}
	mux := app(key)
	mux.Handle("/ws/{room}", rooms)

	web := &http.Server{
		Handler:           http.NewCrossOriginProtection().Handler(mux), // pages of other sites can't log users in or out
		MaxHeaderBytes:    32 << 10,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       time.Minute,
	}
	broken := make(chan error, 1)
	go func() { broken <- web.Serve(listener) }()
	fmt.Printf("Open http://%s/ and log in as ada with the password engine or, in another browser, as bob with builder.\n", listener.Addr())
	select {
	case err = <-broken:
	case <-ctx.Done():
		stop()
	}
	end, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return errors.Join(err, web.Shutdown(end), rooms.Shutdown(end), documents.Close())
}
