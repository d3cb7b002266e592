package document

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// ListOptions select the rooms of a list.
type ListOptions struct {
	Prefix string // only rooms whose names begin with it
	After  string // only rooms whose names come after it; it need not exist
	Limit  int    // how many rooms at most; 0: 100
}

const defaultLimit = 100

// List is a part of the list of rooms.
type List struct {
	// Rooms are in the byte order of their names.
	Rooms []event.RoomInfo
	// Next is the After of the next part; empty at the end of the list.
	Next string
	// Open is how many rooms whose names begin with the prefix are in memory.
	Open int
}

// Rooms lists rooms: those in memory of each worker, and those that are stored,
// if their store can list them. Deleted rooms are left out. The error is
// ErrTimeout if a worker did not respond in time.
func (ds *Documents) Rooms(ctx context.Context, o ListOptions) (List, error) {
	ctx, cancel := withTimeout(ctx, 0)
	defer cancel()
	if ctx.Err() != nil {
		return List{}, contextError(ctx)
	}
	limit := cmp.Or(max(o.Limit, 0), defaultLimit)
	request := event.Request{Kind: event.RequestRooms, Prefix: o.Prefix, After: o.After, Limit: limit + 1} // one more than the limit, to find out whether more rooms follow
	for {
		all, err := ds.requestAll(ctx, request)
		switch {
		case err == nil:
			for _, a := range all {
				if err := refusalError(a.Refusal); err != nil {
					return List{}, err
				}
			}
			return merge(all, limit), nil
		case !errors.Is(err, errLost):
			return List{}, err
		}
	}
}

// requestAll sends a request to each worker and waits for all responses. The
// error is errLost if some of them may be lost.
func (ds *Documents) requestAll(ctx context.Context, r event.Request) ([]event.Response, error) {
	c := newCall()
	var mu sync.Mutex
	var all []event.Response
	arrived := make(chan struct{}, 1)
	conn := ds.register(receiver{lost: c.lose, deliver: func(out event.Output) {
		if out.Kind != event.OutputResponse || out.Response == nil {
			c.deliver(out)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, *out.Response)
		put(arrived, struct{}{})
	}})
	defer ds.unregister(conn)
	workers := 0
	err := ds.retry(ctx, func() (err error) {
		c.found()
		sent := r
		workers, err = ds.front.SendAll(layer.Input{Input: event.Input{Kind: event.InputRequest, Conn: conn, Request: &sent}})
		return err
	})
	if err != nil {
		return nil, err
	}
	for {
		mu.Lock()
		got := all
		mu.Unlock()
		if len(got) >= workers {
			return got, nil
		}
		select {
		case <-arrived:
		case e := <-c.closed:
			return nil, closeError(e)
		case <-c.lost:
			return nil, errLost
		case <-ds.closed:
			return nil, ErrClosed
		case <-ctx.Done():
			return nil, contextError(ctx)
		}
	}
}

// merge merges the lists of all workers, each of which holds the first limit+1
// rooms that its worker has.
func merge(all []event.Response, limit int) List {
	var list List
	var rooms []event.RoomInfo
	end := "" // the name up to which all lists are complete; "" if they are complete to their ends
	for _, a := range all {
		list.Open += a.Open
		rooms = append(rooms, a.Rooms...)
		if len(a.Rooms) > limit {
			if last := a.Rooms[len(a.Rooms)-1].Name; end == "" || last < end {
				end = last
			}
		}
	}
	slices.SortStableFunc(rooms, func(a, b event.RoomInfo) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(rank(a), rank(b)))
	})
	for _, r := range rooms {
		if end != "" && r.Name > end {
			break
		}
		if last := len(list.Rooms) - 1; last >= 0 && list.Rooms[last].Name == r.Name { // another worker lists the room too
			if list.Rooms[last].StoredAt.IsZero() {
				list.Rooms[last].StoredAt, list.Rooms[last].StoredBytes = r.StoredAt, r.StoredBytes
			}
			continue
		}
		if r.Failure == nil || r.Failure.Code != protocol.CloseDeleted { // the room was deleted, and its worker still has it in memory, closed
			list.Rooms = append(list.Rooms, r)
		}
	}
	list.Next = end
	if len(list.Rooms) > limit {
		list.Rooms = list.Rooms[:limit]
		list.Next = list.Rooms[limit-1].Name
	}
	return list
}

// rank orders the descriptions of one room by several workers: that of the worker that
// has the room in memory is first.
func rank(r event.RoomInfo) int {
	return slices.Index([]event.RoomState{event.RoomOpen, event.RoomBusy, event.RoomLoading, event.RoomFailed, event.RoomStored}, r.State)
}
