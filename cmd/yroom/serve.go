package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/internal/heap"
	"github.com/yroom/yroom/internal/loopback"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/webhook"
)

type serve struct {
	Config string `placeholder:"FILE" help:"Settings file (default: yroom.yaml, if there is one)."`

	Check bool `help:"Check the settings, and start nothing."`

	settings
}

// Run serves until a signal, and then shuts down within the timeout.
func (c serve) Run(env environment) error {
	file, err := readServerSettings(c.Config)
	if err != nil {
		return err
	}
	set, err := c.complete(file)
	if err != nil {
		return err
	}
	if c.Store == "" { // a flag overrides the row, which overrides the rest of the file
		set.Store = cmp.Or(set.Rooms[fallback].StoreURL, set.Store)
	}
	if err := set.checkStore(c.Store, file); err != nil {
		return err
	}
	if c.Check {
		return env.check(set, true)
	}
	return env.serveClients(set, true)
}

// serveClients serves clients until a signal, and then shuts down within the timeout.
// With a worker it runs rooms as well.
func (e environment) serveClients(set settings, withWorker bool) error {
	log, err := newLogger(e.stderr, set.LogFormat, set.LogLevel)
	if err != nil {
		return err
	}
	recent := newRecentLog()
	log = recent.keeping(log, set.Name)
	guard := guard{proxied: slices.ContainsFunc(set.Origin, func(host string) bool { return !loopback.Is(host) })}
	if guard.token, err = readToken(set.APITokenFile, log); err != nil {
		return err
	}
	admit, err := set.admission()
	if err != nil {
		return err
	}
	var webhooks []webhook.Hook
	if withWorker {
		webhooks, err = set.readWebhooks(log)
		if err := errors.Join(set.checkStores(), err); err != nil {
			return err
		}
	}
	schema, err := schemas(set.Rooms)
	if err != nil {
		return err
	}
	ctx := e.untilSignal(log)
	listener, err := listen(ctx, "--listen", set.Listen, *set.Open || set.hasLogin())
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }() // the server, if it was started, has closed the listener already
	url, loopback := home(listener.Addr())
	hooks := consumer.Hooks{Admit: admit}
	if len(set.Origin) == 0 {
		if !set.hasLogin() {
			hooks.Admit = knownHosts(admit)
		}
		if loopback {
			set.Origin = ownOrigins(listener.Addr())
		}
	}

	joined, err := e.openLayer(ctx, set.Layer, set.layerOptions(withWorker, log))
	if err != nil {
		return err
	}
	traces, err := set.openTraces(ctx, log)
	if err != nil {
		return errors.Join(err, joined.Close(ctx))
	}
	metrics := newMetrics(log)
	documents := &stores{rooms: withoutStores(set.Rooms)}
	if withWorker {
		if documents, err = set.openCounted(ctx, webhooks, metrics, log); err != nil {
			return errors.Join(err, joined.Close(ctx))
		}
	}
	var shared layer.Layer // nil: yroom.New makes one that no other process can use
	if set.Layer != inMemory {
		shared = joined
	}
	shutdown := set.times(true)
	config := yroom.Config{
		Name:         set.Name,
		Layer:        shared,
		NoWorker:     !withWorker,
		Store:        documents.rest,
		Hooks:        hooks,
		Origins:      set.Origin,
		Limits:       set.limits(),
		Rooms:        documents.rooms,
		Compression:  *set.Compression,
		AnswerMemory: set.AnswerMemory,

		MessageMemory: set.MessageMemory,
		Memory:        set.Memory,
		DrainTimeout:  shutdown.worker,
		Logger:        log,

		RoomsPerSecond: set.RoomsPerSecond,
		ConsumerEvents: traces.consumer(metrics.consumerEvents()),
	}
	if withWorker {
		config.WorkerEvents = documents.telling(documents.evicted(traces.worker(metrics.workerEvents())), webhooks)
	}
	rooms, err := yroom.New(config)
	if err != nil {
		return errors.Join(err, joined.Close(ctx), documents.close())
	}
	health := &health{layer: joined}
	metrics.readProcess(health)
	metrics.readServer(rooms, withWorker)
	own, err := serveOperators(ctx, "--health", set, health, guard, metrics.handler(), log)
	if err != nil {
		return errors.Join(err, rooms.Shutdown(ctx), joined.Close(ctx), documents.close())
	}
	monitor := newMonitor(rooms, set.Name, withWorker, health, recent)
	defer monitor.start(ctx)()
	server := newHTTPServer(newSite(rooms, guard, health, metrics, traces, monitor, set, schema), slog.NewLogLogger(log.Handler(), slog.LevelWarn))
	broken := make(chan error, 1)
	go func() { broken <- server.Serve(listener) }()

	about := []any{"address", listener.Addr().String(), "layer", withoutPassword(set.Layer), "name", set.Name, "version", version()}
	about = append(about, own.about()...)
	if withWorker {
		about = append(about, "store", withoutPassword(set.Store))
	}
	log.Info("serving", about...)
	if withWorker {
		set.warnOfStore(log)
	}
	heap.AddBallast()
	go heap.ReturnIdle(ctx)
	if *set.Open && !set.hasLogin() {
		log.Warn("open: everyone who can reach this server can read and change every room")
	}
	fmt.Fprintf(e.stdout, "Open %s in a browser.\n", url)

	select {
	case err = <-broken:
	case <-ctx.Done():
		log.Info("ending", "cause", context.Cause(ctx).Error(), "timeout", set.ShutdownTimeout.String())
		health.draining.Store(true)
		time.Sleep(set.ShutdownDelay) // clients are served meanwhile
	}
	begin := time.Now()
	whole, cancel := context.WithDeadline(context.Background(), begin.Add(shutdown.all))
	defer cancel()
	answering, cancel := context.WithDeadline(whole, begin.Add(shutdown.requests))
	defer cancel()
	closing, cancel := context.WithDeadline(whole, begin.Add(shutdown.connections))
	defer cancel()
	// Plain requests need the rooms, and the rooms need the layer and the stores.
	rooms.Documents().Drain() // ends streams of events, which are plain requests
	finishRequests(answering, server, log)
	err = errors.Join(err, rooms.Shutdown(closing), joined.Close(whole), documents.close(), own.end())
	traces.end(whole)
	if err != nil {
		return fmt.Errorf("shutdown failed: %w", err)
	}
	log.Info("ended")
	return nil
}

// finishRequests accepts no more requests and waits until those that have begun are
// answered. When ctx ends, it cuts off the rest, such as a request whose body arrives
// slowly. That is no failure of the shutdown, because any client can cause it.
func finishRequests(ctx context.Context, server *http.Server, log *slog.Logger) {
	if server.Shutdown(ctx) != nil {
		log.Warn("requests that were not answered in time were cut off")
		_ = server.Close() // the listener was closed before
	}
}
