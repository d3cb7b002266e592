package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/djangolayer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/layer/natslayer"
	"github.com/yroom/yroom/layer/redislayer"
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
	Greeting func(room string) event.Greeting
	Pace     func(room string) time.Duration
	Name     string // of the process
	Logger   *slog.Logger
}

// layerOptions returns the options for a process with or without a worker.
func (s settings) layerOptions(withWorker bool, log *slog.Logger) layerOptions {
	o := layerOptions{Channel: yroom.Channels(withoutStores(s.Rooms)), Greeting: s.greetings(), Pace: s.paces(), Name: s.Name, Logger: log}
	if withWorker {
		o.Channels = s.Channel
	}
	return o
}

// greetings returns a function that returns the greeting for connections at Django processes.
func (s settings) greetings() func(room string) event.Greeting {
	rowOf := rowOf(s.Rooms)
	return func(room string) event.Greeting {
		if cmp.Or(s.Rooms[rowOf(room)].ServerStartSync, s.Rooms[fallback].ServerStartSync) == yroom.SwitchOff {
			return event.GreetingClient
		}
		return event.GreetingServer
	}
}

// paces returns a function that returns the pace of rooms behind Django, 0 for the default.
func (s settings) paces() func(room string) time.Duration {
	rowOf := rowOf(s.Rooms)
	return func(room string) time.Duration { return cmp.Or(s.Rooms[rowOf(room)].Pace, s.Rooms[fallback].Pace) }
}

// openLayer opens the layer at url.
func openLayer(_ context.Context, url string, o layerOptions) (openedLayer, error) {
	c := buslayer.Config{Name: o.Name, Software: version(), Channel: o.Channel, Channels: o.Channels, Logger: o.Logger}
	switch scheme(url) {
	case inMemory:
		return memoryLayer{memlayer.New()}, nil
	case "redis:", "rediss:", "redis-sentinel:", "rediss-sentinel:":
		return redislayer.Open(redislayer.Config{Config: c, URL: url})
	case "nats:", "tls:":
		return natslayer.Open(natslayer.Config{Config: c, URL: url})
	case "django+redis:", "django+rediss:", "django+redis-sentinel:", "django+rediss-sentinel:":
		if len(o.Channels) == 0 {
			return nil, errors.New("the layer of Django has its consumers in Django processes: start a worker, with yroom worker or yroom serve")
		}
		return djangolayer.Open(djangolayer.Config{URL: url, Channels: o.Channels, Greeting: o.Greeting, Pace: o.Pace, Logger: o.Logger}) //nolint:contextcheck // the layer lasts longer than its opening
	}
	return nil, fmt.Errorf("this build has no layer %s (it has memory:, redis:, rediss:, redis-sentinel:, rediss-sentinel:, nats:, tls: and, for a worker, "+
		"django+redis:, django+rediss:, django+redis-sentinel: and django+rediss-sentinel:)", scheme(url))
}

// memoryLayer is the layer of a process that has all parts.
type memoryLayer struct{ *memlayer.Layer }

// Ready implements openedLayer.
func (memoryLayer) Ready() error { return nil }

// Close implements openedLayer.
func (memoryLayer) Close(context.Context) error { return nil }
