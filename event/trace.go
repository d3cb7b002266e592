package event

// Trace says to which trace of a distributed tracing system an edit belongs, as W3C Trace
// Context defines it. Only edits of which a trace is kept have one.
type Trace struct {
	ID   [16]byte // of the trace
	Span [8]byte  // under which the steps of the edit are shown
}
