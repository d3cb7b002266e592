package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/webhook"
	"github.com/yroom/yroom/worker"
)

// webhookSettings are the settings of a webhook.
type webhookSettings struct {
	URL          string          `yaml:"url"`
	SecretFile   string          `yaml:"secret_file"`
	Events       []string        `yaml:"events"`
	Rooms        []string        `yaml:"rooms"`
	Content      webhook.Content `yaml:"content"`
	ContentLimit yroom.Bytes     `yaml:"content_limit"`
	Delay        time.Duration   `yaml:"delay"`
	Timeout      time.Duration   `yaml:"timeout"`
	GiveUpAfter  time.Duration   `yaml:"give_up_after"`
	Allow        []string        `yaml:"allow"`
}

func (s *webhookSettings) events() (all []webhook.Event) {
	for _, event := range s.Events {
		all = append(all, webhook.Event(event))
	}
	return all
}

// hook returns the webhook with this name.
func (s *webhookSettings) hook(name string, log *slog.Logger) (webhook.Hook, error) {
	h := webhook.Hook{
		Name: name, URL: s.URL, Content: s.Content, ContentLimit: int(s.ContentLimit),
		Delay: s.Delay, Timeout: s.Timeout, GiveUpAfter: s.GiveUpAfter, Events: s.events(),
	}
	for _, text := range s.Allow {
		network, err := webhook.ParseNetwork(text)
		if err != nil {
			return h, fmt.Errorf("webhook %s: allow: %w", name, err)
		}
		h.Allow = append(h.Allow, network)
	}
	if slices.Contains(s.Rooms, fallback) {
		return h, fmt.Errorf("webhook %s: rooms: %q is not allowed here: leave rooms out to select all rooms", name, fallback)
	}
	if s.SecretFile == "" {
		return h, fmt.Errorf("webhook %s: secret_file is missing: name a file with the secret that signs its requests", name)
	}
	text, warning, err := readSecretFile(s.SecretFile)
	if err != nil {
		return h, fmt.Errorf("webhook %s: secret_file: %w", name, err)
	}
	if warning != "" {
		log.Warn(warning)
	}
	if h.Secret, err = webhook.ParseSecret(text); err != nil {
		return h, fmt.Errorf("webhook %s: secret_file: %s: %w", name, s.SecretFile, err)
	}
	err = h.Check()
	return h, err
}

// readWebhooks returns the webhooks in the order of their names, and reads their secrets. If
// there are some, and no store records events for them, it returns an error.
func (s settings) readWebhooks(log *slog.Logger) (all []webhook.Hook, err error) {
	for _, name := range slices.Sorted(maps.Keys(s.Webhooks)) {
		row := s.Webhooks[name]
		hook, err := row.hook(name, log)
		if err != nil {
			return nil, err
		}
		all = append(all, hook)
	}
	if len(all) > 0 && !s.recordsEvents() {
		return nil, errors.New("webhooks: the store memory: keeps no events: set --store to an SQLite file or a PostgreSQL database")
	}
	return all, nil
}

// webhooksOf returns a function for the names of the webhooks of a room that want an event, or nil
// if there are no webhooks at all.
func webhooksOf(all map[string]webhookSettings) store.Webhooks {
	if len(all) == 0 {
		return nil
	}
	type selected struct {
		webhook.Hook
		rooms []string
		rowOf func(room string) string
	}
	var hooks []selected
	for _, name := range slices.Sorted(maps.Keys(all)) {
		s := all[name]
		hooks = append(hooks, selected{webhook.Hook{Name: name, Events: s.events()}, s.Rooms, yroom.RowOf(s.Rooms)})
	}
	return func(room string, kind store.NoticeKind) (names []string) {
		for i := range hooks {
			h := &hooks[i]
			if h.Wants(kind) && (len(h.rooms) == 0 || h.rowOf(room) != fallback) {
				names = append(names, h.Name)
			}
		}
		return names
	}
}

// recordsEvents reports whether a store of the settings records events for webhooks.
func (s settings) recordsEvents() bool {
	if s.Store != inMemory {
		return true
	}
	for _, row := range s.Rooms {
		if row.StoreURL != "" && row.StoreURL != inMemory {
			return true
		}
	}
	return false
}

// recording returns the stores that record events, in the order of their addresses.
func (s *stores) recording() (all []webhook.Store) {
	for _, url := range slices.Sorted(maps.Keys(s.open)) {
		if recording, ok := s.open[url].(webhook.Store); ok {
			all = append(all, recording)
		}
	}
	return all
}

// recordingOf returns a function for the store of a room, or nil if that records no events.
func (s *stores) recordingOf(rows map[string]roomSettings) func(room string) webhook.Store {
	rest, _ := s.rest.(webhook.Store)
	own := map[string]webhook.Store{}
	for key, row := range s.rooms {
		if row.Store != nil {
			own[key], _ = row.Store.(webhook.Store)
		}
	}
	rowOf := rowOf(rows)
	return func(room string) webhook.Store {
		if of, found := own[rowOf(room)]; found {
			return of
		}
		return rest
	}
}

// deliver delivers the events of the stores to webhooks until the stores are closed.
func (s *stores) deliver(ctx context.Context, hooks []webhook.Hook, rows map[string]roomSettings, m *metrics, log *slog.Logger) error {
	if len(hooks) == 0 {
		return nil
	}
	deliverer, err := webhook.New(webhook.Config{
		Hooks: hooks, Stores: s.recording(), Webhooks: s.files.Webhooks, StoreOf: s.recordingOf(rows), Logger: log,
	})
	if err != nil {
		return err
	}
	s.deliverer = deliverer
	m.readWebhooks(hooks, deliverer.Stats)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { deliverer.Run(ctx) })
	s.closes = slices.Insert(s.closes, 0, func() error {
		cancel()
		running.Wait()
		return nil
	})
	return nil
}

// telling adds to the events of a worker those that webhooks are told of, if a webhook wants these.
func (s *stores) telling(events worker.Events, hooks []webhook.Hook) worker.Events {
	wanted := func(h webhook.Hook) bool { return h.Wants(store.NoticeConnected) || h.Wants(store.NoticeDisconnected) }
	if slices.ContainsFunc(hooks, wanted) {
		events.Joined = func(i worker.JoinInfo) { s.deliverer.Joined(i.Room, i.Conn, i.User) }
		events.Left = func(i worker.LeaveInfo) { s.deliverer.Left(i.Room, i.Conn, i.Moved) }
	}
	return events
}
