package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
)

type serve struct {
	Config string `placeholder:"FILE" help:"Settings file (default: yroom.yaml, if there is one)."`
	settings
}

// Run serves until a signal, and then shuts down within the timeout. A second signal
// ends the process at once.
func (c serve) Run(stdout io.Writer) error {
	file, err := readSettings(c.Config)
	if err != nil {
		return err
	}
	set := c.settings.or(file).or(defaults)
	log, err := newLogger(os.Stderr, set.LogFormat, set.LogLevel)
	if err != nil {
		return err
	}
	if c.Store == "" { // a flag overrides the row, which overrides the rest of the file
		set.Store = cmp.Or(set.Rooms[fallback].StoreURL, set.Store)
	}
	if set.Layer != inMemory {
		return fmt.Errorf("this build has no layer %s (it has memory:)", scheme(set.Layer))
	}
	if set.ShutdownTimeout < 0 {
		return fmt.Errorf("shutdown-timeout %v is negative", set.ShutdownTimeout)
	}

	guard := guard{proxied: slices.ContainsFunc(set.Origin, func(host string) bool { return !isLoopback(host) })}
	if set.APITokenFile != "" {
		if guard.token, err = readToken(set.APITokenFile); err != nil {
			return err
		}
	}

	signals := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	if !signal.Ignored(syscall.SIGHUP) { // the process runs under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	defer stop()

	listener, err := listen(ctx, set.Listen, *set.Open)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server, if it was started, has closed the listener already
	url, loopback := home(listener.Addr())
	hooks := consumer.Hooks{Admit: admit}
	if loopback {
		hooks.PreConnect = knownHosts(set.Origin)
		if len(set.Origin) == 0 {
			set.Origin = loopbackOrigins
		}
	}
	documents, err := openStores(set.Store, set.Rooms)
	if err != nil {
		return err
	}
	drain := max(set.ShutdownTimeout/3, 1) // the part of the timeout for the store; the rest is for the connections
	rooms, err := yroom.New(yroom.Config{
		Store:        documents.rest,
		Hooks:        hooks,
		Origins:      set.Origin,
		Rooms:        documents.rooms,
		DrainTimeout: drain,
		Logger:       log,
	})
	if err != nil {
		return errors.Join(err, documents.close())
	}
	site := newSite(rooms, guard, set)
	server := newHTTPServer(site, slog.NewLogLogger(log.Handler(), slog.LevelWarn))
	broken := make(chan error, 1)
	go func() { broken <- server.Serve(listener) }()

	log.Info("serving", "address", listener.Addr().String(), "store", withoutPassword(set.Store), "layer", withoutPassword(set.Layer), "version", version())
	if set.Store == inMemory {
		log.Warn("documents are in memory only: they end with this process")
	}
	if *set.Open {
		log.Warn("open: everyone who can reach this server can read and change every room")
	}
	fmt.Fprintf(stdout, "Open %s in a browser.\n", url)

	select {
	case err = <-broken:
	case <-ctx.Done():
		stop() // from here on a signal has its default effect
		log.Info("ending", "cause", context.Cause(ctx).Error(), "timeout", set.ShutdownTimeout.String())
	}
	site.draining.Store(true)
	end := time.Now().Add(set.ShutdownTimeout)
	whole, cancel := context.WithDeadline(context.Background(), end)
	defer cancel()
	closing, cancel := context.WithDeadline(whole, end.Add(-drain))
	defer cancel()
	err = errors.Join(err, rooms.Shutdown(closing), server.Shutdown(whole), documents.close())
	if err != nil {
		return fmt.Errorf("shutdown failed: %w", err)
	}
	log.Info("ended")
	return nil
}

// newHTTPServer returns a server with timeouts against idle clients.
func newHTTPServer(handler http.Handler, log *log.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          log,
	}
}

func newLogger(w io.Writer, format, level string) (*slog.Logger, error) {
	var options slog.HandlerOptions
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("log level %q: want debug, info, warn or error", level)
	}
	options.Level = least
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(w, &options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, &options)), nil
	}
	return nil, fmt.Errorf("log format %q: want text or json", format)
}
