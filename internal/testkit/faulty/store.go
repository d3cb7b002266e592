// Package faulty is a store whose calls fail, wait or are dropped, as a test
// determines.
package faulty

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/yroom/yroom/store"
)

// An Op is a method of store.Store.
type Op uint8

// The methods of a store.
const (
	Load Op = iota
	LoadAfter
	Append
	Compact
	Create
	Delete
	List
	ops
)

// A Fault is called before each call of a method, with the name of the room, or
// the prefix of List. If it returns nil, the call is passed to the wrapped store.
// Otherwise the call returns that error and is not passed on, except after [FailAfter],
// [Drop] and [NoPosition].
type Fault func(ctx context.Context, room string) error

// Fail returns a fault with this error.
func Fail(err error) Fault {
	return func(context.Context, string) error { return err }
}

// FailAfter returns a fault with which the call is carried out but returns this error,
// so that the caller can't know that it was carried out.
func FailAfter(err error) Fault {
	return func(context.Context, string) error { return lateError{err} }
}

// Drop is a fault with which a write succeeds without being carried out, and a read
// finds nothing.
func Drop(context.Context, string) error { return errDropped }

// NoPosition is a fault of Append and Create with which the entry is stored, but the
// position that is returned is 0, which means that it isn't known yet.
func NoPosition(context.Context, string) error { return lateError{nil} }

// Delay returns a fault that delays calls, unless their context ends before.
func Delay(d time.Duration) Fault {
	return func(ctx context.Context, _ string) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// A Gate makes calls wait until the test releases them. NewGate returns one.
type Gate struct {
	// Release receives the outcome of one call that waits: nil lets it pass. If Release is
	// closed, all calls pass.
	Release chan error
	// Reached is closed once a call waits.
	Reached chan struct{}

	reach sync.Once
}

// NewGate returns a gate that is closed.
func NewGate() *Gate {
	return &Gate{Release: make(chan error), Reached: make(chan struct{})}
}

// Wait is the fault of a gate. It returns when the gate releases the call or when
// the context of the call ends.
func (g *Gate) Wait(ctx context.Context, _ string) error {
	g.reach.Do(func() { close(g.Reached) })
	select {
	case err := <-g.Release:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

var errDropped = errors.New("faulty: dropped")

// lateError holds the error of a call that is carried out. If it is nil, the call
// returns its own error, without its result.
type lateError struct{ error }

// A Store passes each call on to the store that it wraps, unless a fault is set.
type Store struct {
	store.Store // the wrapped store; a test may replace it while no call is in progress

	mu      sync.Mutex
	faults  [ops]Fault
	calls   [ops]int
	running int
}

var _ store.Store = (*Store)(nil)

// New returns a store that wraps s, without faults.
func New(s store.Store) *Store { return &Store{Store: s} }

// Set sets the fault of these methods, or of all if none is named. A nil fault
// is none. Calls that wait in an earlier fault continue to wait.
func (s *Store) Set(f Fault, methods ...Op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(methods) == 0 {
		for op := range s.faults {
			s.faults[op] = f
		}
	}
	for _, op := range methods {
		s.faults[op] = f
	}
}

// Calls returns how many times a method was called.
func (s *Store) Calls(op Op) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[op]
}

// Running returns how many calls are in progress.
func (s *Store) Running() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running
}

// call makes one call. dropped is what it returns instead of doing anything.
func call[T any](ctx context.Context, s *Store, op Op, room string, do func() (T, error), dropped error) (result T, err error) {
	s.mu.Lock()
	s.calls[op]++
	s.running++
	fault := s.faults[op]
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.running--
		s.mu.Unlock()
	}()
	if fault != nil {
		err = fault(ctx, room)
	}
	late, isLate := errors.AsType[lateError](err)
	switch {
	case err == nil:
		return do()
	case isLate:
		_, err = do()
		return result, cmp.Or(late.error, err)
	case errors.Is(err, errDropped):
		return result, dropped
	}
	return result, err
}

// Load implements store.Store.
func (s *Store) Load(ctx context.Context, room string) (store.Log, error) {
	return call(ctx, s, Load, room, func() (store.Log, error) { return s.Store.Load(ctx, room) }, store.ErrNotFound)
}

// LoadAfter implements store.Store.
func (s *Store) LoadAfter(ctx context.Context, room string, p store.Position) (store.Log, error) {
	return call(ctx, s, LoadAfter, room, func() (store.Log, error) { return s.Store.LoadAfter(ctx, room, p) }, store.ErrNotFound)
}

// Append implements store.Store.
func (s *Store) Append(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	return call(ctx, s, Append, room, func() (store.Position, error) { return s.Store.Append(ctx, room, e) }, nil)
}

// Compact implements store.Store.
func (s *Store) Compact(ctx context.Context, room string, read store.Log, snapshot store.Entry) error {
	_, err := call(ctx, s, Compact, room, func() (struct{}, error) {
		return struct{}{}, s.Store.Compact(ctx, room, read, snapshot)
	}, nil)
	return err
}

// Create implements store.Store.
func (s *Store) Create(ctx context.Context, room string, e store.Entry) (store.Position, error) {
	return call(ctx, s, Create, room, func() (store.Position, error) { return s.Store.Create(ctx, room, e) }, nil)
}

// Delete implements store.Store.
func (s *Store) Delete(ctx context.Context, room string) error {
	_, err := call(ctx, s, Delete, room, func() (struct{}, error) { return struct{}{}, s.Store.Delete(ctx, room) }, nil)
	return err
}

// List implements store.Store.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]store.Listed, error) {
	return call(ctx, s, List, prefix, func() ([]store.Listed, error) { return s.Store.List(ctx, prefix, after, limit) }, nil)
}
