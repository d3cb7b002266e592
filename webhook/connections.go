package webhook

import (
	linked "container/list"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/store"
)

const (
	recordAtOnce = 100             // the most notices of connections in a transaction
	recordAtEnd  = 2 * time.Second // how long Run still adds notices once its context has ended
)

// Joined is told of a connection that has joined a room, by worker.Events.Joined. It returns at
// once. A goroutine of Run adds the notices of Connected.
func (d *Deliverer) Joined(room string, conn event.ConnID, user string) {
	if len(d.webhooks.Of(room, store.NoticeConnected))+len(d.webhooks.Of(room, store.NoticeDisconnected)) == 0 {
		return
	}
	if r := d.recorderOf(room); r != nil {
		r.joined(room, conn, user)
	}
}

// Left is told of a connection that is no longer in a room, by worker.Events.Left. If the room has
// moved to another worker, there is no event, because the connection joins again there.
func (d *Deliverer) Left(room string, conn event.ConnID, moved bool) {
	if r := d.recorderOf(room); r != nil {
		r.left(room, conn, moved)
	}
}

// recorderOf returns the recorder of a room's store, or nil if that store has no notices.
func (d *Deliverer) recorderOf(room string) *recorder {
	if d.storeOf == nil {
		return nil
	}
	return d.recorders[d.storeOf(room)]
}

// recorder adds the notices of connections to one store. It has in memory the connections that
// are in rooms, and the notices that wait for the store: at most one of Connected for each of
// these connections, one of Disconnected for each connection whose Connected was stored, and at
// most twice recordAtOnce others. So while the store fails or is slow, the memory grows with the connections
// that there were, and not with time: a connection that comes and goes meanwhile leaves nothing.
type recorder struct {
	store    Store
	webhooks store.Webhooks
	feeds    map[string]*feed // those of the store, by the names of their webhooks
	log      *slog.Logger
	more     chan struct{} // has an item if waiting may have some
	failing  bool          // the last call of the store has failed; used by run only

	mu      sync.Mutex
	rooms   map[string]map[event.ConnID]*member
	waiting linked.List // of *recorded, in the order of the events
}

// member is a connection in a room.
type member struct {
	user  string
	waits *linked.Element // its Connected, which waits for the store; nil: it doesn't wait
	gone  bool            // it is no longer in the room
}

// recorded is an event of a connection.
type recorded struct {
	member *member
	room   string
	kind   store.NoticeKind
	at     time.Time
	data   string
}

func newRecorder(s Store, webhooks store.Webhooks, log *slog.Logger) *recorder {
	return &recorder{
		store: s, webhooks: webhooks, feeds: map[string]*feed{}, log: log,
		more: make(chan struct{}, 1), rooms: map[string]map[event.ConnID]*member{},
	}
}

func (r *recorder) joined(room string, conn event.ConnID, user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.rooms[room] == nil {
		r.rooms[room] = map[event.ConnID]*member{}
	}
	m := &member{user: user}
	r.rooms[room][conn] = m
	m.waits = r.record(m, room, conn, store.NoticeConnected)
}

func (r *recorder) left(room string, conn event.ConnID, moved bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.rooms[room][conn]
	if m == nil {
		return
	}
	m.gone = true
	delete(r.rooms[room], conn)
	if len(r.rooms[room]) == 0 {
		delete(r.rooms, room)
	}
	switch {
	case m.waits != nil && r.waiting.Len() > recordAtOnce:
		r.waiting.Remove(m.waits)
	case !moved:
		r.record(m, room, conn, store.NoticeDisconnected)
	}
}

// record adds an event to those that wait.
func (r *recorder) record(m *member, room string, conn event.ConnID, kind store.NoticeKind) *linked.Element {
	conns := len(r.rooms[room])
	data, _ := json.Marshal(Data{Connection: conn.String(), User: m.user, Connections: &conns}) //nolint:errchkjson // it has strings and a number
	e := r.waiting.PushBack(&recorded{member: m, room: room, kind: kind, at: time.Now(), data: string(data)})
	select {
	case r.more <- struct{}{}:
	default:
	}
	return e
}

// run adds what waits until ctx ends, and then what is left. The end of ctx doesn't cancel a call
// of the store: the store might carry it out nevertheless, and the events would be added twice.
func (r *recorder) run(ctx context.Context) {
	adding, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(recordAtEnd, cancel) })()
	for ctx.Err() == nil {
		select {
		case <-r.more:
			for ctx.Err() == nil && r.add(adding) {
			}
		case <-ctx.Done():
		}
	}
	for adding.Err() == nil && r.add(adding) {
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if lost := r.waiting.Len(); lost > 0 {
		r.log.Error("The store could not record some events of connections for webhooks before the end. They are lost. Check the store.", "events", lost)
	}
}

// add adds some of the notices that wait, and reports whether there were any. If the store fails,
// they wait again, before the others, and add pauses.
func (r *recorder) add(ctx context.Context) bool {
	some := r.take()
	if len(some) == 0 {
		return false
	}
	var all []store.Notice
	for _, e := range some {
		for _, name := range r.webhooks.Of(e.room, e.kind) {
			all = append(all, store.Notice{Webhook: name, Room: e.room, Kind: e.kind, Last: e.at, Data: e.data})
		}
	}
	if len(all) == 0 {
		return true
	}
	removed, err := r.store.AddNotices(ctx, all)
	for name, n := range removed {
		if f := r.feeds[name]; f != nil {
			f.removed(n)
		}
	}
	if err != nil {
		r.putBack(some)
	}
	switch {
	case err != nil && !r.failing && ctx.Err() == nil:
		r.log.Warn("The store could not record for webhooks which connections join and leave rooms. That is tried again each second. Check the store.", "error", err)
		r.failing = true
	case err == nil && r.failing:
		r.log.Info("The store records for webhooks again which connections join and leave rooms.")
		r.failing = false
	}
	if err != nil {
		wait(ctx, poll)
	}
	return true
}

// take removes the first events that wait.
func (r *recorder) take() (some []*recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(some) < recordAtOnce && r.waiting.Len() > 0 {
		e := r.waiting.Remove(r.waiting.Front()).(*recorded)
		if e.kind == store.NoticeConnected {
			e.member.waits = nil
		}
		some = append(some, e)
	}
	return some
}

// putBack puts events before those that wait. If a connection has left meanwhile, its Connected
// stays, because its Disconnected waits.
func (r *recorder) putBack(some []*recorded) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range slices.Backward(some) {
		place := r.waiting.PushFront(e)
		if e.kind == store.NoticeConnected && !e.member.gone {
			e.member.waits = place
		}
	}
}
