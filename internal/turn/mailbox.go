// Package turn is an actor without a parked goroutine: a mailbox whose owner
// is called in turns, only while there is something to do. What runs a turn
// comes in as a value, so that a simulation can take it over.
package turn

import (
	"errors"
	"sync"
)

var (
	// ErrFull means that the mailbox is at one of its limits; the item was not taken.
	ErrFull = errors.New("turn: the mailbox is full")
	// ErrClosed means that the mailbox was closed; the item was not taken.
	ErrClosed = errors.New("turn: the mailbox is closed")
)

// Go is the usual executor: a goroutine.
func Go(f func()) { go f() }

// Config says how a Mailbox works.
type Config[T any] struct {
	// Items and Bytes bound what waits. An empty mailbox takes an item of any size.
	Items, Bytes int
	// Go runs a turn later or elsewhere, never before it returns. nil: in a goroutine.
	Go func(func())
	// Turn is called with all items that wait, in the order in which they were
	// put, and with none where only a call that was posted led to the turn. The
	// slice is borrowed until Turn returns. Turns never overlap.
	Turn func(batch []T)
	// Held makes a mailbox that begins held: see Hold.
	Held bool
}

// Mailbox collects items and calls its owner with them, turn by turn. After
// each turn it gives up its executor, so that one busy mailbox does not keep
// the others from running. Idle, it has no goroutine and no buffer. Its methods
// can be called from any goroutine, the running turn included.
type Mailbox[T any] struct {
	config Config[T]
	runner func() // m.run, made once

	mu      sync.Mutex
	items   []T
	bytes   int
	posted  []func()
	spare   []T // the last batch, emptied, while turns follow each other
	running bool
	held    bool
	closed  bool
}

// New makes an empty Mailbox.
func New[T any](c Config[T]) *Mailbox[T] {
	if c.Go == nil {
		c.Go = Go
	}
	m := &Mailbox[T]{config: c, held: c.Held}
	m.runner = m.run
	return m
}

// Put adds an item that counts as size bytes: nil, ErrFull or ErrClosed.
func (m *Mailbox[T]) Put(item T, size int) error {
	return m.add(item, size, false)
}

// Force adds an item although the mailbox is full: nil or ErrClosed.
func (m *Mailbox[T]) Force(item T) error {
	return m.add(item, 0, true)
}

func (m *Mailbox[T]) add(item T, size int, force bool) error {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return ErrClosed
	}
	full := len(m.items) >= m.config.Items || size > m.config.Bytes-m.bytes
	if full && len(m.items) > 0 && !force {
		m.mu.Unlock()
		return ErrFull
	}
	m.items = append(m.items, item)
	m.bytes += size
	start := m.wake()
	m.mu.Unlock()
	m.start(start)
	return nil
}

// Post has f called at the beginning of the next turn, before the items that
// wait, even while they are held. It is for what the owner itself has begun and
// now ends, and for questions. A closed mailbox drops it: the result is false.
func (m *Mailbox[T]) Post(f func()) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	m.posted = append(m.posted, f)
	start := m.wake()
	m.mu.Unlock()
	m.start(start)
	return true
}

// Hold keeps the items waiting, those to come included; they still count
// towards the limits. What a turn was called with already stays with it.
func (m *Mailbox[T]) Hold() {
	m.mu.Lock()
	m.held = true
	m.mu.Unlock()
}

// Release ends what Hold began.
func (m *Mailbox[T]) Release() {
	m.mu.Lock()
	m.held = false
	start := m.wake()
	m.mu.Unlock()
	m.start(start)
}

// Close closes the mailbox for good, unless something waits in it, and tells
// whether it is closed now by this call. In a turn, that turn is the last.
func (m *Mailbox[T]) Close() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || len(m.items) > 0 || len(m.posted) > 0 {
		return false
	}
	m.closed = true
	return true
}

// ready tells whether there is something for a turn. m.mu is held.
func (m *Mailbox[T]) ready() bool {
	return len(m.posted) > 0 || len(m.items) > 0 && !m.held
}

// wake tells whether the caller has to start a run, and reckons with it. m.mu is held.
func (m *Mailbox[T]) wake() bool {
	if m.running || !m.ready() {
		return false
	}
	m.running = true
	return true
}

func (m *Mailbox[T]) start(start bool) {
	if start {
		m.config.Go(m.runner)
	}
}

// run is one turn.
func (m *Mailbox[T]) run() {
	m.mu.Lock()
	posted := m.posted
	m.posted = nil
	m.mu.Unlock()
	for _, f := range posted {
		f()
	}

	m.mu.Lock()
	var batch []T
	if !m.held {
		batch = m.items
		m.items, m.spare = m.spare, nil
		m.bytes = 0
	}
	m.mu.Unlock()
	m.config.Turn(batch)

	clear(batch)
	m.mu.Lock()
	m.running = false
	again := m.wake()
	if again {
		if m.items == nil {
			m.items = batch[:0]
		} else if m.spare == nil {
			m.spare = batch[:0]
		}
	} else if len(m.items) == 0 {
		m.items, m.spare = nil, nil
	}
	m.mu.Unlock()
	m.start(again)
}
