package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/webhook"
)

// webhookCommands are the commands for the events that a store has for webhooks.
type webhookCommands struct {
	Store  string `placeholder:"URL"  help:"The store, sqlite:FILE or postgres://…, which a server may be using (default: those of the settings file)."`
	Config string `placeholder:"FILE" help:"Settings file (default: yroom.yaml, if there is one)."`

	List    webhookList    `cmd:"" help:"List the webhooks of the settings file: name, events that wait, events that were given up, time of the oldest that waits."`
	GivenUp webhookGivenUp `cmd:"" help:"List the events that were given up: id, time, event, room, attempts, last fault."`
	Replay  webhookReplay  `cmd:"" help:"Send events again that were given up."`
}

type webhookList struct{}

type webhookGivenUp struct {
	Webhook string `arg:"" help:"Name of the webhook."`
}

type webhookReplay struct {
	Webhook string `arg:""             help:"Name of the webhook."`
	Room    string `placeholder:"NAME" help:"Only events of this room (default: all)."`
}

// with calls do with each store that records events. The webhook name must be in the settings
// file, unless it is empty.
func (c *webhookCommands) with(name string, do func(ctx context.Context, file settings, s webhook.Store) error) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	file, err := readSettings(c.Config)
	if err != nil {
		return err
	}
	if _, known := file.Webhooks[name]; !known && name != "" {
		return unknownWebhook(name, slices.Sorted(maps.Keys(file.Webhooks)))
	}
	rows := file.Rooms
	if c.Store != "" {
		rows = nil
	}
	url := cmp.Or(c.Store, file.Rooms[fallback].StoreURL, file.Store, defaults.Store)
	for _, one := range append([]string{url}, storesOfRows(rows)...) {
		if name, isFile := strings.CutPrefix(one, "sqlite:"); isFile {
			if _, err := os.Stat(name); err != nil {
				return fmt.Errorf("there is no store: %w: name one with --store", err)
			}
		}
	}
	opened, err := openStores(ctx, url, rows, sqlitestore.Config{Shared: true}, pgstore.Config{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, opened.close()) }()
	all := opened.recording()
	if len(all) == 0 {
		return errors.New("no store has events, because memory: keeps none: set --store to an SQLite file or a PostgreSQL database")
	}
	for _, s := range all {
		if err := do(ctx, file, s); err != nil {
			return err
		}
	}
	return nil
}

// unknownWebhook says that no webhook has a name, and which names there are.
func unknownWebhook(name string, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("there is no webhook %q: the settings file has none: name another file with --config", name)
	}
	return fmt.Errorf("there is no webhook %q: the settings file has %s", name, strings.Join(known, ", "))
}

// storesOfRows returns the addresses of the stores that rows name.
func storesOfRows(rows map[string]roomSettings) (urls []string) {
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		if url := rows[key].StoreURL; url != "" && key != fallback {
			urls = append(urls, url)
		}
	}
	return urls
}

// Run lists webhooks.
func (webhookList) Run(c *webhookCommands, e environment) error {
	total := map[string]store.NoticeCounts{}
	var names []string
	err := c.with("", func(ctx context.Context, file settings, s webhook.Store) error {
		names = slices.Sorted(maps.Keys(file.Webhooks))
		for _, name := range names {
			n, err := s.CountNotices(ctx, name)
			if err != nil {
				return err
			}
			total[name] = total[name].Plus(n)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		n, oldest := total[name], "-"
		if !n.Oldest.IsZero() {
			oldest = n.Oldest.Format(time.RFC3339)
		}
		fmt.Fprintf(e.stdout, "%s\t%d\t%d\t%s\n", name, n.Waiting, n.GivenUp, oldest)
	}
	return nil
}

// Run lists events that were given up.
func (l webhookGivenUp) Run(c *webhookCommands, e environment) error {
	return c.with(l.Webhook, func(ctx context.Context, _ settings, s webhook.Store) error {
		const some = 1000
		for after := int64(0); ; {
			listed, err := s.ListNotices(ctx, l.Webhook, after, some)
			if err != nil {
				return err
			}
			for _, n := range listed {
				fmt.Fprintf(e.stdout, "%d\t%s\t%s\t%s\t%d\t%q\n", n.ID, n.Last.Format(time.RFC3339), webhook.EventOf(n.Kind), shownName(n.Room), n.Attempts, n.Fault)
				after = n.ID
			}
			if len(listed) < some {
				return nil
			}
		}
	})
}

// Run makes events due again that were given up.
func (r webhookReplay) Run(c *webhookCommands, e environment) error {
	replayed := 0
	err := c.with(r.Webhook, func(ctx context.Context, _ settings, s webhook.Store) error {
		n, err := s.ReplayNotices(ctx, r.Webhook, r.Room)
		replayed += n
		return err
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(e.stdout, "%d events are sent again.\n", replayed)
	return err
}
