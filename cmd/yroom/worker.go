package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/heap"
	"github.com/yroom/yroom/layer/link"
)

type workerCmd struct {
	Config string `placeholder:"FILE"      help:"Settings file (default: yroom.yaml, if there is one)."`
	Listen string `placeholder:"HOST:PORT" help:"Address for /healthz, /readyz and, from this machine, /metrics (default: health in the file, or none)."`
	ProcessSettings
	WorkerSettings
}

// Run runs rooms until a signal, and then hands them over within the timeout.
func (c workerCmd) Run(env environment) error {
	file, err := readServerSettings(c.Config)
	if err != nil {
		return err
	}
	flags := settings{ProcessSettings: c.ProcessSettings, WorkerSettings: c.WorkerSettings}
	flags.Health = c.Listen
	set, err := flags.complete(file)
	if err != nil {
		return err
	}
	if c.Store == "" { // a flag overrides the row, which overrides the rest of the file
		set.Store = cmp.Or(set.Rooms[fallback].StoreURL, set.Store)
	}
	if err := errors.Join(set.checkCluster("worker"), set.checkStore(c.Store, file)); err != nil {
		return err
	}
	return env.runRooms(set)
}

// running returns what the command prints once it runs rooms.
func running(health string) string {
	if health == "" {
		return "Running rooms."
	}
	return "Running rooms. http://" + health + "/readyz says whether it is ready."
}

// warnOfStore warns if the store loses documents or can't be shared by several workers.
func (s settings) warnOfStore(log *slog.Logger) {
	if s.Store == inMemory {
		log.Warn("documents are in memory only: they are lost when this process ends")
	}
	if s.Layer == inMemory {
		return
	}
	stores := []string{s.Store}
	for prefix, row := range s.Rooms {
		if prefix != fallback && row.StoreURL != "" {
			stores = append(stores, row.StoreURL)
		}
	}
	slices.Sort(stores)
	for _, store := range slices.Compact(stores) {
		switch {
		case strings.HasPrefix(store, "sqlite:"):
			log.Warn("this store is a file on this machine: all workers of the same channels must run here and use it", "store", withoutPassword(store))
		case !strings.Contains(store, "://"):
			log.Warn("this store belongs to this process alone: no other worker may serve the same channels", "store", withoutPassword(store))
		}
	}
}

// runRooms runs rooms until a signal, and then hands them over within the timeout.
func (e environment) runRooms(set settings) error {
	log, err := newLogger(e.stderr, set.LogFormat, set.LogLevel)
	if err != nil {
		return err
	}
	recent := newRecentLog()
	log = recent.keeping(log, set.Name)
	webhooks, err := set.readWebhooks(log)
	if err != nil {
		return err
	}
	ctx := e.untilSignal(log)
	joined, err := e.openLayer(ctx, set.Layer, set.layerOptions(true, log))
	if err != nil {
		return err
	}
	traces, err := set.openTraces(ctx, log)
	if err != nil {
		return errors.Join(err, joined.Close(ctx))
	}
	metrics := newMetrics(log)
	documents, err := set.openCounted(ctx, webhooks, metrics, log)
	if err != nil {
		return errors.Join(err, joined.Close(ctx))
	}
	shutdown := set.times(false)
	rooms, err := yroom.NewWorker(yroom.Config{
		Name:         set.Name,
		Layer:        joined,
		Store:        documents.rest,
		Rooms:        documents.rooms,
		Memory:       set.Memory,
		DrainTimeout: shutdown.worker,
		Logger:       log,

		RoomsPerSecond: set.RoomsPerSecond,
		MessageMemory:  set.MessageMemory,
		WorkerEvents:   documents.telling(documents.evicted(traces.worker(metrics.workerEvents())), webhooks),
	})
	if err != nil {
		return errors.Join(err, joined.Close(ctx), documents.close())
	}
	health := &health{layer: joined}
	metrics.readProcess(health)
	metrics.readWorker(rooms.Stats)
	own, err := serveOperators(ctx, "--listen", set, health, guard{}, metrics.handler(), log)
	if err != nil {
		return errors.Join(err, joined.Close(ctx), documents.close())
	}

	monitor := &monitor{name: set.Name, worker: true, load: func() link.Load { return workerLoad(rooms.Stats()) }, health: health, log: recent}
	defer monitor.start(ctx)()
	working, drain := context.WithCancel(context.WithoutCancel(ctx))
	defer drain()
	drained := make(chan error, 1)
	go func() { drained <- rooms.Run(working) }()
	select {
	case <-rooms.Served():
		about := []any{
			"channels", strings.Join(set.Channel, ","), "layer", withoutPassword(set.Layer), "store", withoutPassword(set.Store),
			"name", set.Name, "version", version(),
		}
		log.Info("serving", append(about, own.about()...)...)
		set.warnOfStore(log)
		heap.AddBallast()
		go heap.ReturnIdle(ctx)
		fmt.Fprintln(e.stdout, running(own.health.address))
	case err := <-drained: // the layer doesn't take the worker
		return errors.Join(err, joined.Close(ctx), documents.close(), own.end())
	}

	<-ctx.Done()
	log.Info("ending", "cause", context.Cause(ctx).Error(), "timeout", set.ShutdownTimeout.String())
	health.draining.Store(true)
	whole, cancel := context.WithTimeout(context.Background(), shutdown.all)
	defer cancel()
	drain()
	err = errors.Join(<-drained, joined.Close(whole), documents.close(), own.end())
	traces.end(whole)
	if err != nil {
		return fmt.Errorf("shutdown failed: %w", err)
	}
	log.Info("ended")
	return nil
}
