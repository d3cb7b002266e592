package worker

import "github.com/yroom/yroom/event"

// traceOf returns the trace of the first input of which one is kept. The others of a turn share
// its update, its append and its broadcast, so these are shown in one trace only.
func traceOf(ins []event.Input) *event.Trace {
	for i := range ins {
		if t := ins[i].Trace; t != nil {
			return t
		}
	}
	return nil
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
