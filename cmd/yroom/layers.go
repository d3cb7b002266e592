package main

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
)

// openedLayer is a layer that openLayer has opened.
type openedLayer interface {
	layer.Layer
	// Ready returns why the process can't reach the others now, or nil. The error contains
	// no password.
	Ready() error
	// Close sends what still waits to be sent, until ctx ends, and leaves the layer. All
	// fronts and backs must have been closed.
	Close(ctx context.Context) error
}

// layerOptions configure a layer between processes.
type layerOptions struct {
	Channels []string                 // the channels that the worker of this process serves; empty if it has no worker
	Channel  func(room string) string // the channel of a room
	Logger   *slog.Logger
}

// layerOptions returns the options for a process with or without a worker.
func (s settings) layerOptions(withWorker bool, log *slog.Logger) layerOptions {
	o := layerOptions{Channel: yroom.Channels(withoutStores(s.Rooms)), Logger: log}
	if withWorker {
		o.Channels = s.Channel
	}
	return o
}

// openLayer opens the layer at url.
func openLayer(_ context.Context, url string, _ layerOptions) (openedLayer, error) {
	if url == inMemory {
		return memoryLayer{memlayer.New()}, nil
	}
	return nil, fmt.Errorf("this build has no layer %s (it has memory:)", scheme(url))
}

// memoryLayer is the layer of a process that has all parts.
type memoryLayer struct{ *memlayer.Layer }

// Ready implements openedLayer.
func (memoryLayer) Ready() error { return nil }

// Close implements openedLayer.
func (memoryLayer) Close(context.Context) error { return nil }
