package main

import (
	"context"
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// storeMetrics count what stores do.
type storeMetrics struct {
	load, loadAfter, appending, compact, create, remove, list prometheus.Counter // calls that have failed

	files sqlitestore.Events
}

func (m *metrics) stores() *storeMetrics {
	failed := m.counters("store_errors_total", "Calls of a store that have failed, by operation.", "operation",
		"load", "load_after", "append", "compact", "create", "delete", "list")
	commits := m.histogram("sqlite_commit_duration_seconds", "How long SQLite transactions took, with what they wait for the disk.", shortSeconds)
	changes := m.histogram("sqlite_commit_changes", "How many changes, such as appends of several rooms, one SQLite transaction had.", batches)
	return &storeMetrics{
		load: failed["load"], loadAfter: failed["load_after"], appending: failed["append"], compact: failed["compact"],
		create: failed["create"], remove: failed["delete"], list: failed["list"],
		files: sqlitestore.Events{Committed: func(c sqlitestore.Commit) {
			commits.Observe(c.Took.Seconds())
			changes.Observe(float64(c.Changes))
		}},
	}
}

// counting returns s, as a store whose failures are counted.
func (m *storeMetrics) counting(s store.Store) store.Store { return &countingStore{s, m} }

// countingStore is a store.Store that counts the calls that fail.
type countingStore struct {
	store.Store

	metrics *storeMetrics
}

// count counts a failure. An answer, such as that there is no such room, is none, and
// neither is the end of a context.
func count(failed prometheus.Counter, err error) {
	if err == nil {
		return
	}
	for _, answer := range []error{
		store.ErrNotFound, store.ErrExists, store.ErrDeleted, store.ErrConflict, errors.ErrUnsupported, context.Canceled,
	} {
		if errors.Is(err, answer) {
			return
		}
	}
	failed.Inc()
}

// Load implements store.Store.
func (s *countingStore) Load(ctx context.Context, room string) (store.Log, error) {
	log, err := s.Store.Load(ctx, room)
	count(s.metrics.load, err)
	return log, err
}

// LoadAfter implements store.Store.
func (s *countingStore) LoadAfter(ctx context.Context, room string, after store.Position) (store.Log, error) {
	log, err := s.Store.LoadAfter(ctx, room, after)
	count(s.metrics.loadAfter, err)
	return log, err
}

// Append implements store.Store.
func (s *countingStore) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	at, err := s.Store.Append(ctx, room, e)
	count(s.metrics.appending, err)
	return at, err
}

// Compact implements store.Store.
func (s *countingStore) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	err := s.Store.Compact(ctx, room, read, snapshot)
	count(s.metrics.compact, err)
	return err
}

// Create implements store.Store.
func (s *countingStore) Create(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	at, err := s.Store.Create(ctx, room, e)
	count(s.metrics.create, err)
	return at, err
}

// Delete implements store.Store.
func (s *countingStore) Delete(ctx context.Context, room string) error {
	err := s.Store.Delete(ctx, room)
	count(s.metrics.remove, err)
	return err
}

// List implements store.Store.
func (s *countingStore) List(ctx context.Context, prefix, after string, limit int) ([]store.Listed, error) {
	rooms, err := s.Store.List(ctx, prefix, after, limit)
	count(s.metrics.list, err)
	return rooms, err
}
