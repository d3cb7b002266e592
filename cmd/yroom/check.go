package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/yroom/yroom"
)

// check checks the settings of a process as far as that is possible without listening,
// opening a store or connecting to another process.
func (e environment) check(set settings, withWorker bool) error {
	log, err := newLogger(e.stderr, set.LogFormat, set.LogLevel)
	if err != nil {
		return err
	}
	if _, err := readToken(set.APITokenFile, log); err != nil {
		return err
	}
	if _, err := set.admission(); err != nil {
		return err
	}
	if _, err := listenAddress(set.Listen, *set.Open || set.hasLogin()); err != nil {
		return err
	}
	if _, err := schemas(set.Rooms); err != nil {
		return err
	}
	if withWorker {
		_, err := set.readWebhooks(log)
		if err := errors.Join(set.checkStores(), err); err != nil {
			return err
		}
	}
	rooms, err := yroom.New(yroom.Config{Origins: set.Origin, Rooms: withoutStores(set.Rooms), Logger: log})
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, "The settings are valid.")
	return rooms.Shutdown(context.Background())
}

// checkStores checks the addresses of the stores.
func (s settings) checkStores() error {
	if err := checkDurability(s.Store, s.Rooms); err != nil {
		return err
	}
	errs := []error{checkStoreURL(s.Store)}
	for _, key := range slices.Sorted(maps.Keys(s.Rooms)) {
		if url := s.Rooms[key].StoreURL; url != "" {
			if err := checkStoreURL(url); err != nil {
				errs = append(errs, fmt.Errorf("rooms: %s: %w", key, err))
			}
		}
	}
	return errors.Join(errs...)
}
