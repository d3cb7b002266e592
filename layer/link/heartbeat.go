package link

import (
	"strings"
	"time"
)

// State is the state of a Node's worker.
type State uint8

// The states of a worker.
const (
	StateNone     State = 0 // the process has no worker
	StateServing  State = 1
	StateDraining State = 2
)

// heartbeat describes a Node to all others.
type heartbeat struct {
	name     string
	software string // its version
	state    State
	term     uint64   // how many workers the process has had
	channels []string // those whose rooms the worker runs
	fronts   bool     // it has fronts
	hello    bool     // the Node wants the heartbeats of all others at once
	bye      bool     // the process ends
	number   uint64   // of this heartbeat, counted from 1
	load     Load
}

// Load is what a process does. It is shown to operators.
type Load struct {
	Conns, Rooms int           // at the moment
	Edits        uint64        // updates that have changed documents, since the process began
	Problems     uint64        // warnings and errors in its log, since the process began
	Problem      Problem       // the last of these, if it is new
	CPU          time.Duration // CPU time, since the process began
	Memory       int           // in bytes
	Draining     bool          // the process ends
}

// Problem is a warning or an error in the log of a process.
type Problem struct {
	Message string // without attributes; at most mostProblem bytes are sent
	Error   bool   // and no warning
}

const mostProblem = 300

// Numbers of the fields of a heartbeat. They are fixed.
const (
	beatName     = 1
	beatSoftware = 2
	beatState    = 3
	beatChannel  = 4 // one of several
	beatFronts   = 5
	beatHello    = 6
	beatBye      = 7
	beatNumber   = 8
	beatTerm     = 9
	beatConns    = 10
	beatRooms    = 11
	beatEdits    = 12
	beatProblems = 13
	beatCPU      = 14 // in nanoseconds
	beatMemory   = 15
	beatDraining = 16
	beatProblem  = 17 // the message
	beatError    = 18
)

func appendHeartbeat(b []byte, h *heartbeat) []byte {
	b = appendString(b, beatName, h.name)
	b = appendString(b, beatSoftware, h.software)
	b = appendUint(b, beatState, uint64(h.state))
	b = appendUint(b, beatTerm, h.term)
	for _, c := range h.channels {
		b = append(appendLength(b, beatChannel, len(c)), c...)
	}
	b = appendBool(b, beatFronts, h.fronts)
	b = appendBool(b, beatHello, h.hello)
	b = appendBool(b, beatBye, h.bye)
	b = appendUint(b, beatNumber, h.number)
	b = appendUint(b, beatConns, uint64(max(h.load.Conns, 0)))
	b = appendUint(b, beatRooms, uint64(max(h.load.Rooms, 0)))
	b = appendUint(b, beatEdits, h.load.Edits)
	b = appendUint(b, beatProblems, h.load.Problems)
	b = appendUint(b, beatCPU, uint64(max(h.load.CPU, 0)))
	b = appendUint(b, beatMemory, uint64(max(h.load.Memory, 0)))
	b = appendBool(b, beatDraining, h.load.Draining)
	b = appendString(b, beatProblem, h.load.Problem.Message[:min(len(h.load.Problem.Message), mostProblem)])
	return appendBool(b, beatError, h.load.Problem.Error)
}

func decodeHeartbeat(b []byte) (h heartbeat, ok bool) {
	ok = each(b, func(f field) bool {
		switch f.number {
		case beatName:
			h.name = string(f.bytes)
		case beatSoftware:
			h.software = string(f.bytes)
		case beatState:
			h.state = State(f.value)
		case beatTerm:
			h.term = f.value
		case beatChannel:
			h.channels = append(h.channels, string(f.bytes))
		case beatFronts:
			h.fronts = f.value != 0
		case beatHello:
			h.hello = f.value != 0
		case beatBye:
			h.bye = f.value != 0
		case beatNumber:
			h.number = f.value
		default:
			h.load.decode(f)
		}
		return true
	})
	return h, ok
}

// decode decodes a field of a heartbeat.
func (l *Load) decode(f field) {
	switch f.number {
	case beatConns:
		l.Conns = integer(f.value)
	case beatRooms:
		l.Rooms = integer(f.value)
	case beatEdits:
		l.Edits = f.value
	case beatProblems:
		l.Problems = f.value
	case beatCPU:
		l.CPU = time.Duration(integer(f.value))
	case beatMemory:
		l.Memory = integer(f.value)
	case beatDraining:
		l.Draining = f.value != 0
	case beatProblem:
		l.Problem.Message = strings.ToValidUTF8(string(f.bytes[:min(len(f.bytes), mostProblem)]), "")
	case beatError:
		l.Problem.Error = f.value != 0
	}
}
