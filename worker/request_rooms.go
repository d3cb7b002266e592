package worker

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
)

const (
	describeTime = time.Second // how long a list waits for the rooms in it
	listPage     = 1000        // how many rooms one call of List returns
)

// list is a RequestRooms in progress. Each open room in the list describes itself in
// one of its turns. No goroutine waits for that: the last description, or a timer,
// sends the response.
type list struct {
	worker *Worker
	in     layer.Input
	open   int

	mu      sync.Mutex
	rooms   []event.RoomInfo
	waiting int // the number of rooms that have not answered, plus 1 until all were asked
	ended   bool
	disarm  func() bool // stops the timer; nil if there is none
}

var listFailure = protocol.CloseError{Code: protocol.CloseTryLater, Reason: "The rooms can't be listed now. Try again later."}

// readRooms answers a RequestRooms. The error is layer.ErrFull.
func (w *Worker) readRooms(in layer.Input) error { return w.read(func() { w.listRooms(&in) }) }

// listRooms answers a RequestRooms.
func (w *Worker) listRooms(in *layer.Input) {
	q := in.Request
	open, count := w.openRooms(q.Prefix, q.After)
	stored, err := w.storedRooms(q.Prefix, q.After, q.Limit)
	if err != nil {
		w.config.Logger.Error("The rooms of the store could not be listed. The request was refused. Check the store.", "error", err)
		w.respond(in, event.Response{Refusal: closedRefusal(listFailure)})
		return
	}
	w.live.Add(1) // until the response is sent
	l := &list{worker: w, in: *in, open: count, waiting: 1}
	for len(l.rooms) < q.Limit && len(open)+len(stored) > 0 {
		var info event.RoomInfo
		fromStore := len(stored) > 0 && (len(open) == 0 || stored[0].Room <= open[0])
		if fromStore {
			info = event.RoomInfo{
				Name: stored[0].Room, State: event.RoomStored, StoredBytes: stored[0].Bytes, StoredAt: stored[0].Stored,
			}
			stored = stored[1:]
		} else {
			info.Name = open[0]
		}
		if len(open) > 0 && open[0] == info.Name {
			open = open[1:]
		}
		l.add(info, fromStore)
	}
	l.mu.Lock()
	if l.waiting > 1 {
		l.disarm = w.afterFunc(describeTime, l.end)
	}
	l.mu.Unlock()
	l.answered()
}

// openRooms returns the names of the rooms in memory that begin with prefix and come
// after the name after, in order, and the total number of names that begin with prefix.
func (w *Worker) openRooms(prefix, after string) (names []string, count int) {
	w.mu.RLock()
	for name := range w.rooms {
		if strings.HasPrefix(name, prefix) {
			count++
			if name > after {
				names = append(names, name)
			}
		}
	}
	w.mu.RUnlock()
	slices.Sort(names) // without the lock, which every input takes
	return names, count
}

// storedRooms returns the first limit rooms of the store whose names begin with prefix
// and come after the name after. It returns none if the store can't list rooms.
func (w *Worker) storedRooms(prefix, after string, limit int) (rooms []store.Listed, err error) {
	defer guard(&err)
	for len(rooms) < limit {
		page, err := w.config.Store.List(w.working, prefix, after, min(limit-len(rooms), listPage))
		if errors.Is(err, errors.ErrUnsupported) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
		if len(page) == 0 {
			break
		}
		rooms = append(rooms, page...)
		after = page[len(page)-1].Room
	}
	return rooms, nil
}

// add adds a room, and asks it to describe itself if it is open. A room that is neither
// open nor stored is left out: it was in memory a moment ago, but was never written to.
func (l *list) add(info event.RoomInfo, stored bool) {
	l.mu.Lock()
	i := len(l.rooms)
	l.rooms = append(l.rooms, info)
	l.mu.Unlock()
	a := l.worker.find(info.Name)
	if a != nil {
		l.expect(i)
		if a.mail.Post(func() { a.guarded(func() { l.describe(i, a.describe()) }) }) {
			return
		}
		l.forget(i, info)
	}
	if !stored {
		l.mu.Lock()
		l.rooms = l.rooms[:i]
		l.mu.Unlock()
	}
}

// expect records that room i was asked.
func (l *list) expect(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rooms[i].State, l.rooms[i].Summary.Worker = event.RoomBusy, l.worker.config.Name // unless it answers
	l.waiting++
}

// forget records that room i is no longer open.
func (l *list) forget(i int, info event.RoomInfo) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rooms[i] = info
	l.waiting--
}

// describe records the description of room i.
func (l *list) describe(i int, info event.RoomInfo) {
	l.mu.Lock()
	if !l.ended {
		info.StoredBytes, info.StoredAt = l.rooms[i].StoredBytes, l.rooms[i].StoredAt
		l.rooms[i] = info
	}
	l.mu.Unlock()
	l.answered()
}

// answered ends the list if all rooms have answered.
func (l *list) answered() {
	l.mu.Lock()
	l.waiting--
	last := l.waiting == 0
	l.mu.Unlock()
	if last {
		l.end()
	}
}

// end sends the response, once.
func (l *list) end() {
	l.mu.Lock()
	ended, disarm := l.ended, l.disarm
	l.ended = true
	l.mu.Unlock()
	if ended {
		return
	}
	if disarm != nil {
		disarm()
	}
	defer l.worker.live.Done()
	l.worker.respond(&l.in, event.Response{Rooms: l.rooms, Open: l.open})
}

// describe describes the room for a list. A deleted room is listed as failed, with
// CloseDeleted: a list that is shorter than its limit ends the list of all rooms, so
// only package document can leave it out.
func (a *actor) describe() event.RoomInfo {
	info := event.RoomInfo{Name: a.name, State: event.RoomLoading, Summary: event.Summary{Worker: a.worker.config.Name}}
	switch {
	case a.closed != nil:
		info.State, info.Failure = event.RoomFailed, a.closed
	case a.room != nil:
		info.State, info.Summary = event.RoomOpen, a.room.Summary(a.worker.config.Runtime.Now())
	}
	return info
}
