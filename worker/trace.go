package worker

import (
	"cmp"

	"github.com/yroom/yroom/event"
)

// traceOf returns the trace of the first edit of which one is kept, or else of the first such
// request. The others of a turn share its update, its append and its broadcast, so these are shown
// in one trace only.
func traceOf(ins []event.Input) (t *event.Trace) {
	for i := range ins {
		in := &ins[i]
		if in.Trace != nil && (in.Request == nil || in.Request.Kind == event.RequestApply) {
			return in.Trace
		}
		t = cmp.Or(t, in.Trace)
	}
	return t
}

// traceBroadcasts adds the trace of the turn to its broadcasts.
func (a *actor) traceBroadcasts(outs []event.Output) {
	if a.trace == nil {
		return
	}
	for i := range outs {
		if outs[i].To == event.Everyone {
			outs[i].Trace = a.trace
		}
	}
}
