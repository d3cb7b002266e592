package main

import (
	"context"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/event"
)

// admitAll admits all clients to all rooms.
func admitAll(_ context.Context, r consumer.Request) (consumer.Admission, error) { //nolint:unparam // it is an admitFunc
	return consumer.Admission{Room: r.Room, Access: event.AccessWrite | event.AccessPresent}, nil
}

// withoutWrite returns the admission of a client that connects with ?readonly, and its
// renewals, without the right to write. This is not access control: it lets a page show a
// document without being able to change it.
func withoutWrite(a consumer.Admission) consumer.Admission {
	a.Access &^= event.AccessWrite
	if renew := a.Renew; renew != nil {
		a.Renew = func(ctx context.Context) (consumer.Admission, error) {
			again, err := renew(ctx)
			return withoutWrite(again), err
		}
	}
	return a
}
