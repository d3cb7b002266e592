package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/yroom/yroom"
)

// environment holds what serve, consumer and worker need from their process.
type environment struct {
	stdout, stderr io.Writer
	// Tests replace these functions, to run several commands on one layer in memory.
	openLayer   func(ctx context.Context, url string, o layerOptions) (openedLayer, error)
	untilSignal func(log *slog.Logger) context.Context
}

// untilSignal returns a context that ends at the first signal to end the process. A second
// signal ends the process at once, with status 1.
func untilSignal(log *slog.Logger) context.Context {
	signals := []os.Signal{syscall.SIGTERM, syscall.SIGINT}
	if !signal.Ignored(syscall.SIGHUP) { // it is ignored under nohup
		signals = append(signals, syscall.SIGHUP)
	}
	received := make(chan os.Signal, 2)
	signal.Notify(received, signals...)
	ctx, end := context.WithCancelCause(context.Background())
	go func() {
		end(fmt.Errorf("%v signal received", <-received))
		second := <-received
		signal.Reset(signals...) // a third one ends the process even if the log can't be written
		log.Warn("A second signal ends the process at once. What was confirmed to clients is stored; they send the rest again.", "signal", second.String())
		os.Exit(1)
	}()
	return ctx
}

// complete returns s with the settings of the file and the defaults in place of those
// that it doesn't set.
func (s settings) complete(file settings) (settings, error) {
	s = s.or(file).or(defaults)
	if s.Name == "" {
		s.Name = defaultName()
	}
	if s.ShutdownTimeout < 0 {
		return s, fmt.Errorf("shutdown-timeout %v is negative", s.ShutdownTimeout)
	}
	if s.ShutdownDelay < 0 || s.ShutdownDelay > s.ShutdownTimeout/2 {
		return s, fmt.Errorf("shutdown-delay %v: want at most half of shutdown-timeout, which is %v", s.ShutdownDelay, s.ShutdownTimeout)
	}
	for _, channel := range s.Channel {
		if err := yroom.CheckChannel(channel); err != nil {
			return s, err
		}
	}
	return s, errors.Join(s.checkTraces(), checkName(s.Name))
}

// checkCluster returns an error unless the layer connects the process with others.
func (s settings) checkCluster(part string) error {
	if s.Layer == inMemory {
		return fmt.Errorf("the layer memory: connects the parts of one process, and a %s is only one part: "+
			"set --layer to the layer of the other processes, or use yroom serve", part)
	}
	return nil
}

// checkStore returns an error if the store of a cluster is the default.
func (s settings) checkStore(flag string, file settings) error {
	if s.Layer == inMemory || flag != "" || file.Store != "" || file.Rooms[fallback].StoreURL != "" {
		return nil
	}
	return errors.New("all workers of a cluster must use the same store, so there is no default: set --store")
}

// times divides the time of a shutdown, after the shutdown delay.
type times struct {
	requests    time.Duration // until plain requests are cut
	connections time.Duration // until the connections are cut
	worker      time.Duration // the part for the store and the hand-over of rooms
	all         time.Duration // the rest is for the last messages to the layer
}

func (s settings) times(connections bool) times {
	all := s.ShutdownTimeout
	if !connections {
		return times{worker: max(all*5/6, 1), all: all}
	}
	all -= s.ShutdownDelay
	return times{requests: all / 6, connections: all / 2, worker: max(all/3, 1), all: all}
}

// maxHeader bounds the header of a request. A browser sends some KiB, most of them
// cookies.
const maxHeader = 32 << 10

// newHTTPServer returns a server with bounds on what a client that was not admitted can
// make it hold.
func newHTTPServer(handler http.Handler, log *log.Logger) *http.Server {
	plain := newPlainConns()
	return &http.Server{
		Handler:           serving(handler),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxHeader,
		ConnState:         plain.changed,
		ConnContext:       plain.context,
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
