// Package mailbox implements the mailbox of an actor that needs no goroutine while it
// is idle: the mailbox calls its owner in turns, only when there is something to do.
// The executor of turns is a function value, so that a simulation can replace it.
package mailbox

import (
	"errors"
	"sync"
)

var (
	// ErrFull means that a limit of the mailbox is reached. The item was not added.
	ErrFull = errors.New("mailbox: the mailbox is full")
	// ErrClosed means that the mailbox is closed. The item was not added.
	ErrClosed = errors.New("mailbox: the mailbox is closed")
)

// Func is a function that may return another one, which is to be called after it. Both can be
// called by one goroutine, which saves the start of another.
type Func func() Func

// Run calls f, what f returns, and so on.
func (f Func) Run() {
	for f != nil {
		f = f()
	}
}

// Config configures a Mailbox.
type Config[T any] struct {
	// Items and Bytes bound the items in the mailbox. An empty mailbox accepts an item
	// of any size.
	Items, Bytes int
	// Size returns how many bytes an item counts as.
	Size func(item T) int
	// Go schedules a turn, with what follows it. It must not run the turn itself before it returns.
	// If Go is nil, each turn runs in a new goroutine.
	Go func(func())
	// Turn is called with all items, or as many as Limit allows, in the order of Put, or with
	// none if only a posted function, or the first item that waits in a pause, caused the turn.
	// The slice is borrowed until Turn returns. Turns never overlap. Turn may return a function
	// that follows the turn, and overlaps with later turns.
	Turn func(batch []T) Func
	// Paused, if it isn't nil, is called at the beginning of a turn while items wait in a pause: if
	// it calls Resume, the turn takes them, unless the mailbox is held.
	Paused func()
	// Held makes New return a mailbox that is held: see Hold.
	Held bool
}

// Mailbox collects items and calls its owner with them in turns. After each turn it
// returns from its executor, so that one busy mailbox doesn't keep others from
// running. An idle Mailbox has no goroutine and no buffer. Its methods may be called
// from any goroutine, including that of the current turn.
type Mailbox[T any] struct {
	config  Config[T]
	turn    Func   // m.run, bound once
	runFunc func() // m.turn.Run, bound once

	mu      sync.Mutex
	items   []T
	bytes   int
	most    int // of items in a turn; 0: all
	posted  []func()
	spare   []T // the last batch, emptied, while one turn follows another
	running bool
	held    bool
	paused  bool
	told    bool // a turn has begun while items wait in this pause
	closed  bool
}

// New returns an empty Mailbox.
func New[T any](c Config[T]) *Mailbox[T] {
	if c.Go == nil {
		c.Go = func(f func()) { go f() }
	}
	m := &Mailbox[T]{config: c, held: c.Held}
	m.turn = m.run
	m.runFunc = m.turn.Run
	return m
}

// Put adds an item. It returns nil, ErrFull or ErrClosed.
func (m *Mailbox[T]) Put(item T) error {
	return m.add(item, false)
}

// Force adds an item even if the mailbox is full. It returns nil or ErrClosed.
func (m *Mailbox[T]) Force(item T) error {
	return m.add(item, true)
}

func (m *Mailbox[T]) add(item T, force bool) error {
	size := m.config.Size(item)
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

// Post schedules f to be called at the beginning of the next turn, before the items,
// even while the mailbox is held. It is for the completion of what the owner has
// started, and for queries. Post reports whether f was scheduled: a closed mailbox
// drops it.
func (m *Mailbox[T]) Post(f func()) bool {
	posted, start := m.post(f)
	m.start(start)
	return posted
}

// PostLast is like Post, for the end of a Func. It doesn't call Go for the turn, but returns it.
func (m *Mailbox[T]) PostLast(f func()) Func {
	if _, start := m.post(f); start {
		return m.turn
	}
	return nil
}

func (m *Mailbox[T]) post(f func()) (posted, start bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false, false
	}
	m.posted = append(m.posted, f)
	return true, m.wake()
}

// Hold keeps all items in the mailbox, including later ones, until Release. They still
// count towards the limits. A turn that has begun keeps its items.
func (m *Mailbox[T]) Hold() {
	m.mu.Lock()
	m.held = true
	m.mu.Unlock()
}

// Release ends Hold.
func (m *Mailbox[T]) Release() {
	m.mu.Lock()
	m.held = false
	start := m.wake()
	m.mu.Unlock()
	m.start(start)
}

// Pause keeps items in the mailbox until Resume, as long as they take less than half of what
// Items and Bytes allow. A turn that has begun keeps its items. The first item that waits starts
// a turn, which doesn't take it unless Paused ends the pause. So the owner needs no timer until then.
func (m *Mailbox[T]) Pause() {
	m.mu.Lock()
	m.paused, m.told = true, false
	m.mu.Unlock()
}

// Waiting reports whether there are items.
func (m *Mailbox[T]) Waiting() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.items) > 0
}

// Resume ends Pause.
func (m *Mailbox[T]) Resume() {
	m.mu.Lock()
	m.paused = false
	start := m.wake()
	m.mu.Unlock()
	m.start(start)
}

// Limit makes turns that begin from now on take at most so many items. 0 stands for all,
// as at first.
func (m *Mailbox[T]) Limit(items int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.most = items
}

// Close closes the mailbox permanently if it is empty, and reports whether it has. If
// it is called in a turn, that turn is the last one.
func (m *Mailbox[T]) Close() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed || len(m.items) > 0 || len(m.posted) > 0 {
		return false
	}
	m.closed = true
	return true
}

// ready reports whether there is something for a turn to do. m.mu must be locked.
func (m *Mailbox[T]) ready() bool {
	return len(m.posted) > 0 || len(m.items) > 0 && (!m.waits() || m.paused && !m.held && !m.told)
}

// waits reports whether the items stay in the mailbox. m.mu must be locked.
func (m *Mailbox[T]) waits() bool {
	return m.held || m.paused && len(m.items) < m.config.Items/2 && m.bytes < m.config.Bytes/2
}

// wake reports whether the caller must start a turn, and marks the mailbox as running
// if so. m.mu must be locked.
func (m *Mailbox[T]) wake() bool {
	if m.running || !m.ready() {
		return false
	}
	m.running = true
	return true
}

func (m *Mailbox[T]) start(start bool) {
	if start {
		m.config.Go(m.runFunc)
	}
}

// take removes the items of a turn. m.mu must be locked.
func (m *Mailbox[T]) take() (batch []T) {
	batch, m.items, m.spare = m.items, m.spare, nil
	if m.most == 0 || len(batch) <= m.most {
		m.bytes = 0
		return batch
	}
	m.items = append(m.items, batch[m.most:]...)
	clear(batch[m.most:])
	batch = batch[:m.most]
	for _, item := range batch {
		m.bytes -= m.config.Size(item)
	}
	return batch
}

// run runs one turn.
func (m *Mailbox[T]) run() Func {
	m.mu.Lock()
	posted := m.posted
	m.posted = nil
	m.mu.Unlock()
	for _, f := range posted {
		f()
	}

	m.mu.Lock()
	if m.paused && len(m.items) > 0 && m.config.Paused != nil {
		m.mu.Unlock()
		m.config.Paused()
		m.mu.Lock()
	}
	var batch []T
	if !m.waits() {
		batch = m.take()
	}
	m.told = len(m.items) > 0
	m.mu.Unlock()
	next := m.config.Turn(batch)

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
	return next
}
