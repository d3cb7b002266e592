package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/djangostore"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/pgstore"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/webhook"
	"github.com/yroom/yroom/worker"
)

const inMemory = "memory:"

// stores holds the stores of the settings. Each is opened once.
type stores struct {
	rest  store.Store               // the store of rooms whose row names none
	rooms map[string]yroom.Settings // the settings by row, with the stores

	files    sqlitestore.Config     // of SQLite files
	database pgstore.Config         // of PostgreSQL databases
	rows     djangostore.Config     // of databases of Django apps
	open     map[string]store.Store // by URL
	django   []*djangostore.Store   // those of open that are databases of Django apps
	closes   []func() error

	deliverer *webhook.Deliverer // nil: there are no webhooks
}

// openStores opens the store at url and those that rows name. SQLite files have the
// configuration files, and PostgreSQL databases the configuration database, except for the
// durability, which is that of rows. All stores record events for the webhooks of files.
func openStores(ctx context.Context, url string, rows map[string]roomSettings, files sqlitestore.Config, database pgstore.Config) (_ *stores, err error) {
	if err := checkDurability(url, rows); err != nil {
		return nil, err
	}
	files.Durability = levels(rows)
	database.Durability, database.Webhooks = files.Durability, files.Webhooks
	s := &stores{
		rooms: map[string]yroom.Settings{}, files: files, database: database, open: map[string]store.Store{},
		rows: djangostore.Config{Delay: delays(rows), Logger: files.Logger},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.rest, err = s.at(ctx, url); err != nil {
		return nil, err
	}
	for _, prefix := range slices.Sorted(maps.Keys(rows)) {
		settings := rows[prefix].Settings
		if at := rows[prefix].StoreURL; at != "" && prefix != fallback { // url is the fallback's
			if settings.Store, err = s.at(ctx, at); err != nil {
				return nil, fmt.Errorf("rooms: %s: %w", prefix, err)
			}
		}
		s.rooms[prefix] = settings
	}
	return s, nil
}

// openCounted opens the stores of the settings. Metrics count what they do. Until they are
// closed, their events are delivered to the webhooks hooks.
func (s settings) openCounted(ctx context.Context, hooks []webhook.Hook, m *metrics, log *slog.Logger) (*stores, error) {
	counts, files := m.stores(), s.files(log)
	files.Events = counts.files
	opened, err := openStores(ctx, s.Store, s.Rooms, files, s.database())
	if err != nil {
		return nil, err
	}
	if err := opened.deliver(ctx, hooks, s.Rooms, m, log); err != nil {
		return nil, errors.Join(err, opened.close())
	}
	opened.rest = counts.counting(opened.rest)
	for key, row := range opened.rooms {
		if row.Store != nil {
			row.Store = counts.counting(row.Store)
			opened.rooms[key] = row
		}
	}
	return opened, nil
}

// database returns the configuration of PostgreSQL databases. Behind Django, a room has only one
// worker.
func (s settings) database() pgstore.Config {
	return pgstore.Config{Alone: strings.HasPrefix(s.Layer, "django+")}
}

// files returns the configuration of SQLite files. A layer lets several processes share one.
func (s settings) files(log *slog.Logger) sqlitestore.Config {
	return sqlitestore.Config{Shared: s.Layer != inMemory, Logger: log, Webhooks: webhooksOf(s.Webhooks)}
}

// withoutStores returns the settings of rows for a process that has no worker.
func withoutStores(rows map[string]roomSettings) map[string]yroom.Settings {
	rooms := make(map[string]yroom.Settings, len(rows))
	for prefix, row := range rows {
		rooms[prefix] = row.Settings
	}
	return rooms
}

// cutDjango returns the URL of a store without the "+django" of its scheme, and reports whether
// it was there: then the store is the database of a Django app.
func cutDjango(url string) (plain string, django bool) {
	scheme, rest, _ := strings.Cut(url, ":")
	scheme, django = strings.CutSuffix(scheme, "+django")
	if !django {
		return url, false
	}
	return scheme + ":" + rest, true
}

// isPostgres reports whether url is that of a PostgreSQL database.
func isPostgres(url string) bool {
	url, _ = cutDjango(url)
	return strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://")
}

// closer is a store that must be closed.
type closer interface {
	store.Store
	Close() error
}

// at returns the store at url.
func (s *stores) at(ctx context.Context, url string) (store.Store, error) {
	if err := checkStoreURL(url); err != nil {
		return nil, err
	}
	where := location(url)
	plain, django := cutDjango(url)
	file, isFile := strings.CutPrefix(plain, "sqlite:")
	if opened, ok := s.open[where]; ok {
		return opened, nil
	}
	if url == inMemory {
		s.open[where] = memstore.New()
		return s.open[where], nil
	}
	var opened closer
	var err error
	switch {
	case django && isFile:
		opened, err = s.addDjango(djangostore.OpenSQLite(ctx, file, s.files, s.rows))
	case django:
		opened, err = s.addDjango(djangostore.OpenPostgres(ctx, plain, s.database, s.rows))
	case isFile:
		opened, err = sqlitestore.Open(file, s.files) //nolint:contextcheck // a local file needs none
	default:
		opened, err = pgstore.Open(ctx, url, s.database)
	}
	if err != nil {
		return nil, err
	}
	s.open[where] = opened
	s.closes = append(s.closes, opened.Close)
	return opened, nil
}

// location returns what all addresses of a store have in common.
func location(url string) string {
	plain, _ := cutDjango(url)
	file, isFile := strings.CutPrefix(plain, "sqlite:")
	if path, err := filepath.Abs(file); isFile && file != "" && err == nil {
		return scheme(url) + path
	}
	return url
}

// addDjango adds the database of a Django app, unless it could not be opened.
func (s *stores) addDjango(opened *djangostore.Store, err error) (closer, error) {
	if err != nil {
		return nil, err
	}
	s.django = append(s.django, opened)
	return opened, nil
}

// evicted adds to the events of a worker that the databases of Django apps are told of rooms
// that leave memory.
func (s *stores) evicted(events worker.Events) worker.Events {
	count := events.Evicted
	events.Evicted = func(room string) {
		count(room)
		for _, d := range s.django { // those that don't have the room do nothing
			d.Evicted(room)
		}
	}
	return events
}

// checkStoreURL returns an error unless url can be the address of a store.
func checkStoreURL(url string) error {
	plain, django := cutDjango(url)
	file, isFile := strings.CutPrefix(plain, "sqlite:")
	switch {
	case !isFile && (plain != inMemory || django) && !isPostgres(plain):
		if !strings.Contains(url, ":") {
			return fmt.Errorf("the store %q has no scheme: for the SQLite file of that name, write sqlite:%s", url, url)
		}
		return fmt.Errorf("this build has no store %s (it has sqlite:FILE, postgres://…, memory:, and for the database of a Django app sqlite+django:FILE and postgres+django://…)", scheme(url))
	case strings.HasPrefix(file, "//"): // programs differ in whether sqlite:///a.db is relative or absolute
		return fmt.Errorf("the store %s is ambiguous: want sqlite:FILE, such as sqlite:yroom.db or sqlite:/var/lib/yroom/yroom.db", url)
	}
	return nil
}

func (s *stores) close() error {
	var errs []error
	for _, end := range s.closes {
		errs = append(errs, end())
	}
	return errors.Join(errs...)
}

// oneStore returns the address of the store that a command is for, which uses only one: that of its
// flag --store, or that of the settings file. If the file keeps rooms in other stores, it says
// so, and what the command does with a store: doing.
func oneStore(flag, config, doing string, stderr io.Writer) (url string, err error) {
	file, err := readSettings(config)
	if err != nil && (flag == "" || config != "") { // otherwise the file isn't needed
		return "", err
	}
	url = cmp.Or(flag, file.Rooms[fallback].StoreURL, file.Store, defaults.Store)
	if err := checkStoreURL(url); err != nil {
		return "", err
	}
	for _, prefix := range slices.Sorted(maps.Keys(file.Rooms)) {
		if at := file.Rooms[prefix].StoreURL; prefix != fallback && at != "" && at != inMemory && location(at) != location(url) {
			fmt.Fprintf(stderr, "yroom: rooms of %s are in %s: name that store with --store to %s it\n", prefix, withoutPassword(at), doing)
		}
	}
	return url, nil
}

// checkDurability fails if a row sets a durability for documents in memory.
func checkDurability(url string, rows map[string]roomSettings) error {
	for _, prefix := range slices.Sorted(maps.Keys(rows)) {
		row := rows[prefix]
		at := url
		if prefix != fallback {
			at = cmp.Or(row.StoreURL, url)
		}
		if row.Durability != nil && at == inMemory {
			return fmt.Errorf("rooms: %s: durability %s: these rooms are in memory: and end with the process; "+
				"omit durability, or set another store", prefix, row.Durability)
		}
	}
	return nil
}

// rowOf returns a function for the key of the row of a room.
func rowOf(rows map[string]roomSettings) func(room string) (key string) {
	return yroom.RowOf(slices.Collect(maps.Keys(rows)))
}

// levels returns a function for the durability of a room by its name.
func levels(rows map[string]roomSettings) func(room string) store.Durability {
	rowOf := rowOf(rows)
	return func(room string) store.Durability {
		for _, row := range []string{rowOf(room), fallback} {
			if level := rows[row].Durability; level != nil {
				return *level
			}
		}
		return store.DurabilityFsync
	}
}

// delays returns a function for the autosave delay of a room by its name.
func delays(rows map[string]roomSettings) func(room string) time.Duration {
	rowOf := rowOf(rows)
	return func(room string) time.Duration {
		return cmp.Or(rows[rowOf(room)].AutosaveDelay, rows[fallback].AutosaveDelay, time.Minute)
	}
}

// scheme returns the part of a URL that can be shown: the rest may contain a password.
func scheme(url string) string {
	name, _, found := strings.Cut(url, ":")
	if !found {
		return strconv.Quote(url)
	}
	return name + ":"
}

// withoutPassword returns the address of a store or a layer for the log.
func withoutPassword(address string) string {
	if plain, _ := cutDjango(address); strings.HasPrefix(plain, "sqlite:") { // a file, whose name may have any characters
		return address
	}
	u, err := url.Parse(address)
	if err != nil {
		scheme, _, _ := strings.Cut(address, ":")
		return scheme + ":"
	}
	if _, found := u.User.Password(); !found && !isPostgres(address) { // a token of NATS takes the place of the user
		u.User = nil
	}
	for parameter := range u.Query() { // password, sslpassword
		if strings.Contains(parameter, "pass") {
			u.RawQuery = ""
		}
	}
	return u.Redacted()
}
