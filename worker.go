package yroom

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
)

// NewWorker returns a worker without a consumer, for a process that only runs rooms. It
// does nothing until its Run is called. Its clients and programs are in other processes
// on Config.Layer, which must not be nil. Of cfg it uses Name, Layer, Store, Rooms,
// RoomsPerSecond, Memory, MessageMemory, WorkerEvents, DrainTimeout and Logger. All workers of a channel must
// use the same store, because a room may be run by each of them in turn.
func NewWorker(cfg Config) (*worker.Worker, error) {
	if err := checkRooms(cfg.Rooms); err != nil {
		return nil, fmt.Errorf("yroom: %w", err)
	}
	if cfg.Layer == nil {
		return nil, errors.New("yroom: a worker needs Config.Layer, through which consumers reach it")
	}
	cfg.Logger = cmp.Or(cfg.Logger, slog.Default())
	return newWorker(cfg, takeoverDelay(cfg)), nil
}

// takeoverDelay returns worker.Config.Takeover, on the assumption that other workers have
// the same DrainTimeout. Layers detect within 3 s that a process is gone.
func takeoverDelay(cfg Config) time.Duration {
	return 5*time.Second + cmp.Or(cfg.DrainTimeout, 10*time.Second)
}

// newWorker returns the worker of a Config that was checked.
func newWorker(cfg Config, takeover time.Duration) *worker.Worker {
	if cfg.Store == nil {
		cfg.Store = memstore.New()
	}
	return worker.New(worker.Config{
		Name:         cfg.Name,
		Layer:        cfg.Layer,
		Store:        storesOf(cfg.Rooms, cfg.Store),
		Room:         byRow(cfg.Rooms, Settings.worker),
		Events:       cfg.WorkerEvents,
		Logger:       cfg.Logger,
		DrainTimeout: cfg.DrainTimeout,
		Takeover:     takeover,

		RoomsPerSecond: cfg.RoomsPerSecond,
		Memory:         int(cfg.Memory),
		MessageMemory:  int(cfg.MessageMemory),
	})
}
