package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/layer"
)

// workerless is a layer that has no worker for rooms with the prefix ownerless and requests
// about a user with that name, and
// loses the worker of a room with the prefix lossy when that has a request.
type workerless struct{ layer.Layer }

func (l workerless) Attach(h layer.FrontHandler) (layer.Front, error) {
	front, err := l.Layer.Attach(h)
	return workerlessFront{front, h.Lost}, err
}

type workerlessFront struct {
	layer.Front

	lost func(affected func(room string) bool)
}

func (f workerlessFront) Send(in layer.Input) error {
	switch prefix, _, _ := strings.Cut(in.Room, "."); prefix {
	case "ownerless":
		return layer.ErrNoOwner
	case "lossy":
		f.lost(func(room string) bool { return room == in.Room })
		return nil
	}
	return f.Front.Send(in)
}

func (f workerlessFront) SendAll(in layer.Input) (int, error) {
	if in.Request.User == "ownerless" {
		return 0, layer.ErrNoOwner
	}
	return f.Front.SendAll(in)
}

// The problem says whether a request can be repeated where a worker is missing or lost.
func (p *apiPlace) testWorkers(t *testing.T) {
	doc := string(decode(t, docV1))
	p.patience.Store(int64(50 * time.Millisecond))
	defer p.patience.Store(0)
	const unavailable = http.StatusServiceUnavailable
	for _, a := range []answered{
		p.wantProblem(unavailable, "no-worker", get_, "/api/rooms/ownerless.1", ""),
		p.wantProblem(unavailable, "no-worker", get_, "/api/rooms/ownerless.1/events", ""),
		p.wantProblem(unavailable, "no-worker", post, "/api/rooms/ownerless.1", doc),
		p.wantProblem(unavailable, "no-worker", put, "/api/rooms/ownerless.1", doc, "If-None-Match", "*"),
		p.wantProblem(unavailable, "no-worker", delete_, "/api/rooms/ownerless.1", ""),
		p.wantProblem(unavailable, "outcome-unknown", put, "/api/rooms/lossy.1", doc, "If-None-Match", "*"),
		p.wantProblem(unavailable, "outcome-unknown", delete_, "/api/rooms/lossy.1", ""),
	} {
		if a.header.Get("Retry-After") == "" {
			t.Errorf("%v %s", a.header, a.body)
		}
	}
}
