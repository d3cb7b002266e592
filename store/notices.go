package store

import (
	"context"
	"slices"
	"time"
)

// Notices is implemented by a Store that records what happens to its rooms, for webhooks.
// The Config of such a store has Webhooks. For each webhook that wants the event, the store
// adds a notice in the transaction that changes the log of the room, so every change that is
// stored has its notice, whatever happens to the process.
//
// When a room is created, by Create or Append, there is a notice of NoticeCreated and one of
// NoticeChanged. Another append changes the notice of NoticeChanged that the room has, or adds
// one if there is none: so a room has one such notice, however often it is edited. Delete turns
// it into a notice of NoticeDeleted, even for a webhook that doesn't want that, because the
// change is not there any more; or it adds a notice of NoticeDeleted. A compaction is a change
// only if its Entry.Cut is set.
//
// Notices of NoticeConnected and NoticeDisconnected belong to no change of a log. AddNotices adds
// them, and MostNotices bounds them.
//
// The notices of a room for one webhook are taken one after the other, in the order in which
// the room was changed. A notice that was given up is not waited for.
//
// All methods can be called from any goroutine, and by several processes at the same time. The
// errors are those of a Store, except for ErrDeleted.
type Notices interface {
	// AddNotices adds notices of NoticeConnected and NoticeDisconnected, in this order and in one
	// transaction. Of each, it uses Webhook, Room, Kind, Last and Data; First becomes Last. A crash
	// of the process loses none of them, but a power loss may. If more than MostNotices of a room
	// then wait for a webhook, it removes the oldest of these kinds, except for the first notice of
	// the room, which may be taken. It returns how many it has removed, by webhook.
	AddNotices(ctx context.Context, all []Notice) (removed map[string]int, err error)
	// TakeNotices takes notices that are due, at most t.Limit. Each is taken by one call only,
	// until its lease ends or it is passed to one of the next three methods. These change
	// nothing if the lease has ended and another call has taken the notice.
	TakeNotices(ctx context.Context, t Taking) ([]Notice, error)
	// RemoveNotice removes a notice, because its event was delivered. If the room was changed
	// after the notice was taken, the notice stays: it stands for the later changes, without
	// attempts, fault or pause.
	RemoveNotice(ctx context.Context, n Notice) error
	// RetryNotice lets a notice be taken again after a pause. The fault says why its event was
	// not delivered. It is empty if that was not attempted, and the attempts are then not counted.
	RetryNotice(ctx context.Context, n Notice, fault string, pause time.Duration) error
	// GiveUpNotice keeps a notice without its being taken again, until it is passed to
	// ReplayNotices. If the room was changed after the notice was taken, the notice is not given
	// up: it stands for the later changes, without attempts, fault or pause. If more than
	// MostNotices of the room were then given up, the oldest of NoticeConnected and
	// NoticeDisconnected are removed.
	GiveUpNotice(ctx context.Context, n Notice, fault string) error

	// ListNotices returns at most limit notices of a webhook that were given up, in the order
	// of their IDs, with IDs above after. IDs begin at 1.
	ListNotices(ctx context.Context, webhook string, after int64, limit int) ([]Notice, error)
	// ReplayNotices makes the notices of a webhook that were given up due again, and returns
	// their number. If room isn't empty, only those of that room. A notice of a change is removed
	// instead if the room has a later one, which stands for it.
	ReplayNotices(ctx context.Context, webhook, room string) (int, error)
	// CountNotices counts the notices of a webhook.
	CountNotices(ctx context.Context, webhook string) (NoticeCounts, error)
}

// NoticeKind says what a notice is about.
type NoticeKind string

// The kinds of notices.
const (
	NoticeCreated NoticeKind = "created"
	NoticeChanged NoticeKind = "changed"
	NoticeDeleted NoticeKind = "deleted"

	NoticeConnected    NoticeKind = "connected"
	NoticeDisconnected NoticeKind = "disconnected"
)

// MostNotices is how many notices of a room a store keeps for a webhook, if all are of
// NoticeConnected or NoticeDisconnected: as many that wait, and as many that were given up. Others
// follow the log of the room, and are not bounded by it.
const MostNotices = 1000

// Notice is a row of a store: an event of a room that is to be sent for a webhook.
type Notice struct {
	ID      int64 // of this notice in its store; those of a room are in the order in which it was changed
	Webhook string
	Room    string
	Kind    NoticeKind
	// Position is that of the entry that was added last or, for NoticeDeleted, that of the deletion.
	// It is 0 for a notice of AddNotices.
	Position Position
	// Data is what AddNotices was given. It is empty for other notices.
	Data string
	// First and Last are the times of the first and the last change that the notice stands for.
	First, Last time.Time

	Attempts int    // how many attempts to deliver the event have failed
	Fault    string // of the last attempt
	// Replayed is when ReplayNotices made it due again; zero: never.
	Replayed time.Time
	// Taken and Until are the beginning and the end of the lease.
	Taken, Until time.Time
	// Revision changes with each change that the notice stands for.
	Revision int64
}

// Taking says which notices TakeNotices takes, and for how long.
type Taking struct {
	Webhook string
	Limit   int
	Lease   time.Duration
	// A notice of NoticeChanged is due once the room has not been changed for Quiet, or once it
	// was first changed Longest ago.
	Quiet, Longest time.Duration
}

// NoticeCounts are the numbers of notices of a webhook.
type NoticeCounts struct {
	Waiting int       // notices that are to be delivered
	GivenUp int       // see GiveUpNotice
	Oldest  time.Time // the First of those that wait; zero: there is none
}

// Plus returns the counts of two stores together.
func (c NoticeCounts) Plus(o NoticeCounts) NoticeCounts {
	if c.Oldest.IsZero() || !o.Oldest.IsZero() && o.Oldest.Before(c.Oldest) {
		c.Oldest = o.Oldest
	}
	return NoticeCounts{Waiting: c.Waiting + o.Waiting, GivenUp: c.GivenUp + o.GivenUp, Oldest: c.Oldest}
}

// Webhooks returns the names of the webhooks of a room that want notices of a kind. Nil: there
// are none.
type Webhooks func(room string, kind NoticeKind) []string

// Of returns the names of the webhooks of a room that want notices of a kind, each once.
func (w Webhooks) Of(room string, kind NoticeKind) []string {
	if w == nil {
		return nil
	}
	names := w(room, kind)
	if len(names) < 2 {
		return names
	}
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
