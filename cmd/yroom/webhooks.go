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

// hook returns the webhook with this name.
func (s *webhookSettings) hook(name string, log *slog.Logger) (webhook.Hook, error) {
	h := webhook.Hook{
		Name: name, URL: s.URL, Content: s.Content, ContentLimit: int(s.ContentLimit),
		Delay: s.Delay, Timeout: s.Timeout, GiveUpAfter: s.GiveUpAfter,
	}
	for _, event := range s.Events {
		h.Events = append(h.Events, webhook.Event(event))
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
		name  string
		rowOf func(room string) string
	}
	var hooks []selected
	for _, name := range slices.Sorted(maps.Keys(all)) {
		hooks = append(hooks, selected{name, yroom.RowOf(all[name].Rooms)})
	}
	return func(room string, kind store.NoticeKind) (names []string) {
		for _, h := range hooks {
			s := all[h.name]
			wanted := len(s.Events) == 0 || slices.Contains(s.Events, string(webhook.EventOf(kind)))
			if wanted && (len(s.Rooms) == 0 || h.rowOf(room) != fallback) {
				names = append(names, h.name)
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

// deliver delivers the events of the stores to webhooks until the stores are closed.
func (s *stores) deliver(ctx context.Context, hooks []webhook.Hook, m *metrics, log *slog.Logger) error {
	if len(hooks) == 0 {
		return nil
	}
	deliverer, err := webhook.New(webhook.Config{Hooks: hooks, Stores: s.recording(), Logger: log})
	if err != nil {
		return err
	}
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
