package yroom

import (
	"context"
	"errors"
	"testing"

	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
)

// hasty answers while it is sent to.
type hasty struct {
	layer.Port

	send func(layer.Input)
}

func (h hasty) Send(in layer.Input) error {
	h.send(in)
	return nil
}

// An answer that has come is taken, whatever else has ended meanwhile.
func TestAnswersJustInTime(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(n *line, cancel context.CancelFunc)
	}{
		{"the server ends", func(n *line, _ context.CancelFunc) { close(n.done) }},
		{"the context ends", func(_ *line, cancel context.CancelFunc) { cancel() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			ask := func(answer room.Answer) (room.Answer, error) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				n := &line{takes: make(map[room.ConnID]func(room.Output)), done: make(chan struct{})}
				n.port = hasty{send: func(in layer.Input) {
					n.deliver([]layer.Output{{Output: room.Output{To: in.Conn, Answer: &answer}}})
					test.end(n, cancel)
				}}
				return n.ask(ctx, "a", room.Query, room.Ask{})
			}
			for range 100 { // a select takes any of those that are ready
				if a, err := ask(room.Answer{At: Mark{Seq: 7}}); err != nil || a.At.Seq != 7 {
					t.Fatalf("answered with %+v and %v", a, err)
				}
				if _, err := ask(room.Answer{Refusal: room.Refusal{Cause: room.Exists}}); !errors.Is(err, ErrExists) {
					t.Fatalf("refused with %v", err)
				}
			}
		})
	}
}
