package worker

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
	"github.com/yroom/yroom/protocol"
)

// The trace of an edit is that of its turn, its append and its broadcast. Of several edits that share
// these, it is that of the first that has one. Other turns have none.
func TestTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l eventLog
		number := func(t *event.Trace) int {
			if t == nil {
				return 0
			}
			return int(t.ID[0])
		}
		shared := memlayer.New()
		f := start(t, Config{Layer: shared, Events: Events{
			Turn:     func(i TurnInfo) { l.addf("turn of %d: %d", i.Inputs, number(i.Trace)) },
			Appended: func(i AppendInfo) { l.addf("append of %d: %d", i.Turns, number(i.Trace)) },
		}})
		synctest.Wait()
		front, err := shared.Attach(layer.FrontHandler{
			Deliver: func(outs []layer.Output) {
				for _, out := range outs {
					if out.Output.To == event.Everyone || out.Trace != nil {
						l.addf("%s: %d", line(out), number(out.Trace))
					}
				}
			},
			Lost: func(func(string) bool) {},
		})
		if err != nil {
			t.Fatal(err)
		}
		send := func(in event.Input) {
			if err := front.Send(layer.Input{Room: "a", Input: in}); err != nil {
				t.Error(err)
			}
		}
		write := func(clock uint64, trace byte) {
			in := message(1, protocol.Update, typed(7, clock))
			if trace > 0 {
				in.Trace = &event.Trace{ID: [16]byte{trace}}
			}
			send(in)
		}
		want := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, l.take()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
		const broadcast = "a: all Update: "
		send(event.Input{Kind: event.InputJoin, Conn: 1, Access: event.AccessWrite})
		want("turn of 1: 0")
		write(0, 1)
		want("turn of 1: 1", "append of 1: 1", broadcast+"1")
		write(1, 0)
		want("turn of 1: 0", "append of 1: 0", broadcast+"0")

		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Append)
		write(2, 0)
		want("turn of 1: 0")
		for i := range 3 { // three turns whose updates share the next append
			write(3+uint64(i), byte(i))
			want(fmt.Sprint("turn of 1: ", i))
		}
		gate.Release <- nil
		f.store.Set(nil, faulty.Append)
		want("append of 1: 0", broadcast+"0", "append of 3: 1", broadcast+"0", broadcast+"1", broadcast+"2")
		write(0, 3) // an update that the document has
		want("turn of 1: 3")

		f.store.Set(gate.Wait, faulty.Append)
		for clock := uint64(6); clock < 8; clock++ {
			write(clock, 0)
			want("turn of 1: 0")
		}
		query := event.Input{Kind: event.InputRequest, Conn: 2, Request: &event.Request{Kind: event.RequestQuery}, Trace: &event.Trace{ID: [16]byte{9}}}
		send(query) // a request that edits nothing has no part in the append that it waits for
		want("turn of 1: 9")
		write(8, 5)
		want("turn of 1: 5")
		gate.Release <- nil
		f.store.Set(nil, faulty.Append)
		want("append of 1: 0", broadcast+"0", "append of 2: 5", broadcast+"0", broadcast+"5")

		front.Close()
		f.stop()
		<-f.ended
		f.front.Close()
	})
}

// The trace of an edit comes before that of a request in its turn that edits nothing.
func TestTraceOf(t *testing.T) {
	query, edit, apply := &event.Trace{ID: [16]byte{1}}, &event.Trace{ID: [16]byte{2}}, &event.Trace{ID: [16]byte{3}}
	asks := event.Input{Kind: event.InputRequest, Request: &event.Request{Kind: event.RequestQuery}, Trace: query}
	adds := event.Input{Kind: event.InputRequest, Request: &event.Request{Kind: event.RequestApply}, Trace: apply}
	types := event.Input{Kind: event.InputMessage, Trace: edit}
	for _, test := range []struct {
		ins  []event.Input
		want *event.Trace
	}{
		{nil, nil}, {[]event.Input{{Kind: event.InputJoin}, asks}, query}, {[]event.Input{asks, types, adds}, edit}, {[]event.Input{asks, adds, types}, apply},
	} {
		if got := traceOf(test.ins); got != test.want {
			t.Errorf("%v: the trace is %v, want %v", test.ins, got, test.want)
		}
	}
}
