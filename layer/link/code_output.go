package link

import (
	"time"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// Numbers of the further fields of outputs. They are fixed.
const (
	fieldResponse       = 20 // 1 if there is a response
	fieldRefusal        = 21 // its cause
	fieldRefusalReason  = 22
	fieldRefusalCode    = 23
	fieldResponseEpoch  = 24
	fieldResponseSeq    = 25
	fieldWhole          = 26
	fieldSummary        = 27 // fields of an event.Summary
	fieldResponseVector = 28
	fieldMember         = 29 // one of several
	fieldState          = 30 // one of several
	fieldRoomInfo       = 32 // one of several
	fieldOpen           = 33
	fieldOffered        = 34 // the size of an offer
	fieldAll            = 35 // 1 if the message is the whole document
	fieldEntry          = 36 // one of several
	fieldReach          = 37
	fieldResponseCount  = 38
)

// Numbers of the fields within a member, a state, a summary, a room of a list and an entry of a log.
const (
	fieldMemberID     = 1
	fieldMemberAccess = 2
	fieldMemberUser   = 3

	fieldStateClient  = 1
	fieldStateClock   = 2
	fieldStateConn    = 3
	fieldStateJSON    = 4
	fieldStateRenewed = 5

	fieldConns       = 1
	fieldClients     = 2
	fieldSize        = 3
	fieldChanged     = 4
	fieldWorker      = 5
	fieldSizePending = 6
	fieldEdits       = 7

	fieldInfoName        = 1
	fieldInfoState       = 2
	fieldInfoSummary     = 3
	fieldInfoCode        = 4 // of the failure; missing if there is none
	fieldInfoReason      = 5
	fieldInfoStoredBytes = 6
	fieldInfoStoredAt    = 7

	fieldEntryPosition = 1
	fieldEntryBytes    = 2
	fieldEntryStored   = 3
	fieldEntryWritten  = 4 // one of several
	fieldEntryClients  = 5
	fieldEntryDeleted  = 6

	fieldWrittenClient = 1
	fieldWrittenFrom   = 2
	fieldWrittenTo     = 3
)

// encodeOutput encodes an output for a front.
func encodeOutput(birth, front uint64, out *layer.Output) message {
	b := make([]byte, 0, 64+len(out.Room)+len(out.Vector))
	b = appendUint(b, fieldKind, uint64(out.Kind))
	b = appendString(b, fieldRoom, out.Room)
	b = appendUint(b, fieldFront, front)
	b = appendUint(b, fieldBirth, birth)
	b = appendUint(b, fieldConn, uint64(out.Output.To))
	b = appendUint(b, fieldReach, uint64(out.Reach))
	b = appendUint(b, fieldAccess, uint64(out.Access))
	b = appendUint(b, fieldAccessSeq, out.AccessSeq)
	b = appendUint(b, fieldEpoch, out.Mark.Epoch)
	b = appendUint(b, fieldSeq, out.Mark.Seq)
	b = appendBytes(b, fieldVector, out.Vector)
	b = appendUint(b, fieldOffered, uint64(max(out.Size, 0)))
	b = appendBool(b, fieldAll, out.Whole)
	b = appendTrace(b, out.Trace)
	b = appendMessage(b, &out.Message)
	if r := out.Response; r != nil {
		b = appendResponse(b, r)
		if r.Update != nil {
			return message{kind: frameOutput, room: out.Room, head: appendLength(b, fieldUpdate, len(r.Update)), data: r.Update}
		}
	}
	return withData(frameOutput, out.Room, b, out.Message.Data)
}

func appendResponse(b []byte, r *event.Response) []byte {
	b = appendUintAlways(b, fieldResponse, 1)
	b = appendUint(b, fieldRefusal, uint64(r.Refusal.Cause))
	b = appendString(b, fieldRefusalReason, r.Refusal.Reason)
	b = appendUint(b, fieldRefusalCode, uint64(r.Refusal.Code))
	b = appendUint(b, fieldResponseEpoch, r.Mark.Epoch)
	b = appendUint(b, fieldResponseSeq, r.Mark.Seq)
	b = appendBool(b, fieldWhole, r.Whole)
	if s := appendSummary(nil, &r.Summary); len(s) > 0 {
		b = appendBytes(b, fieldSummary, s)
	}
	b = appendBytes(b, fieldResponseVector, r.Vector)
	for _, m := range r.Members {
		inner := appendString(appendUint(nil, fieldMemberID, uint64(m.ID)), fieldMemberUser, m.User)
		b = appendBytes(b, fieldMember, appendUintAlways(inner, fieldMemberAccess, uint64(m.Access)))
	}
	for i := range r.States {
		b = appendBytes(b, fieldState, appendState(nil, &r.States[i]))
	}
	for i := range r.Rooms {
		b = appendBytes(b, fieldRoomInfo, appendInfo(nil, &r.Rooms[i]))
	}
	for i := range r.Log {
		b = appendBytes(b, fieldEntry, appendEntry(nil, &r.Log[i]))
	}
	b = appendUint(b, fieldResponseCount, uint64(max(r.Count, 0)))
	return appendUint(b, fieldOpen, uint64(max(r.Open, 0)))
}

func appendEntry(b []byte, e *event.LogEntry) []byte {
	b = appendUintAlways(b, fieldEntryPosition, e.Position)
	b = appendUint(b, fieldEntryBytes, uint64(max(e.Bytes, 0)))
	b = appendTime(b, fieldEntryStored, e.Stored)
	for _, x := range e.Written {
		inner := appendUintAlways(nil, fieldWrittenClient, x.Client)
		inner = appendUint(inner, fieldWrittenFrom, x.From)
		b = appendBytes(b, fieldEntryWritten, appendUint(inner, fieldWrittenTo, x.To))
	}
	b = appendUint(b, fieldEntryClients, uint64(max(e.Clients, 0)))
	return appendUint(b, fieldEntryDeleted, e.Deleted)
}

func appendState(b []byte, s *awareness.State) []byte {
	b = appendUintAlways(b, fieldStateClient, s.Client)
	b = appendUint(b, fieldStateClock, s.Clock)
	b = appendUint(b, fieldStateConn, s.Conn)
	b = appendBytes(b, fieldStateJSON, s.JSON)
	return appendTime(b, fieldStateRenewed, s.Renewed)
}

func appendSummary(b []byte, s *event.Summary) []byte {
	b = appendUint(b, fieldConns, uint64(max(s.Conns, 0)))
	b = appendUint(b, fieldClients, uint64(max(s.Clients, 0)))
	b = appendUint(b, fieldSize, uint64(max(s.Size, 0)))
	b = appendTime(b, fieldChanged, s.Changed)
	b = appendString(b, fieldWorker, s.Worker)
	b = appendUint(b, fieldSizePending, uint64(max(s.Pending, 0)))
	return appendUint(b, fieldEdits, uint64(max(s.Edits, 0)))
}

func appendInfo(b []byte, info *event.RoomInfo) []byte {
	b = appendString(b, fieldInfoName, info.Name)
	b = appendUintAlways(b, fieldInfoState, uint64(info.State))
	if s := appendSummary(nil, &info.Summary); len(s) > 0 {
		b = appendBytes(b, fieldInfoSummary, s)
	}
	if f := info.Failure; f != nil {
		b = appendUintAlways(b, fieldInfoCode, uint64(f.Code))
		b = appendString(b, fieldInfoReason, f.Reason)
	}
	b = appendUint(b, fieldInfoStoredBytes, uint64(max(info.StoredBytes, 0)))
	return appendTime(b, fieldInfoStoredAt, info.StoredAt)
}

// appendTime appends a time, in nanoseconds since 1970, unless it is zero.
func appendTime(b []byte, field uint64, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return appendUint(b, field, uint64(t.UnixNano()))
}

func timeOf(v uint64) time.Time { return time.Unix(0, int64(v)).UTC() }

// decodeOutput decodes what encodeOutput has encoded, except for the address. The result
// shares no memory with b, unless owned is set.
func decodeOutput(b []byte, owned bool) (birth, front uint64, out layer.Output, ok bool) {
	r := fields{b: b}
	for {
		f, more := r.next()
		if !more {
			return birth, front, out, !r.bad
		}
		switch f.number {
		case fieldKind:
			out.Kind = event.OutputKind(f.value)
		case fieldRoom:
			out.Room = string(f.bytes)
		case fieldFront:
			front = f.value
		case fieldBirth:
			birth = f.value
		case fieldConn:
			out.Output.To = event.ConnID(f.value)
		case fieldReach:
			out.Reach = event.Reach(f.value)
		case fieldAccess:
			out.Access = event.Access(f.value)
		case fieldAccessSeq:
			out.AccessSeq = f.value
		case fieldEpoch:
			out.Mark.Epoch = f.value
		case fieldSeq:
			out.Mark.Seq = f.value
		case fieldVector:
			out.Vector = taken(f.bytes, owned)
		case fieldOffered:
			out.Size = integer(f.value)
		case fieldAll:
			out.Whole = f.value != 0
		case fieldTrace:
			out.Trace = traceOf(f.bytes)
		case fieldType, fieldCode, fieldReason, fieldCount, fieldData:
			decodeMessage(&out.Message, f, owned)
		case fieldResponse:
			out.Response = new(event.Response)
		default:
			if out.Response != nil && !decodeResponse(out.Response, f, owned) {
				return 0, 0, layer.Output{}, false
			}
		}
	}
}

// decodeResponse decodes a field of a response. It reports false if it is malformed.
func decodeResponse(r *event.Response, f field, owned bool) (ok bool) {
	ok = true
	switch f.number {
	case fieldRefusal:
		r.Refusal.Cause = event.Cause(f.value)
	case fieldRefusalReason:
		r.Refusal.Reason = string(f.bytes)
	case fieldRefusalCode:
		r.Refusal.Code = protocol.CloseCode(f.value)
	case fieldResponseEpoch:
		r.Mark.Epoch = f.value
	case fieldResponseSeq:
		r.Mark.Seq = f.value
	case fieldWhole:
		r.Whole = f.value != 0
	case fieldSummary:
		r.Summary, ok = decodeSummary(f.bytes)
	case fieldResponseVector:
		r.Vector = taken(f.bytes, owned)
	case fieldMember:
		var m event.Member
		ok = each(f.bytes, func(f field) bool {
			switch f.number {
			case fieldMemberID:
				m.ID = event.ConnID(f.value)
			case fieldMemberAccess:
				m.Access = event.Access(f.value)
			case fieldMemberUser:
				m.User = string(f.bytes)
			}
			return true
		})
		r.Members = append(r.Members, m)
	case fieldState:
		var s awareness.State
		s, ok = decodeState(f.bytes, owned)
		r.States = append(r.States, s)
	case fieldRoomInfo:
		var info event.RoomInfo
		info, ok = decodeInfo(f.bytes)
		r.Rooms = append(r.Rooms, info)
	case fieldEntry:
		var e event.LogEntry
		e, ok = decodeEntry(f.bytes)
		r.Log = append(r.Log, e)
	case fieldResponseCount:
		r.Count = integer(f.value)
	case fieldOpen:
		r.Open = integer(f.value)
	case fieldUpdate:
		r.Update = taken(f.bytes, owned)
	}
	return ok
}

// each calls read for each field of b, and reports whether all are well-formed.
func each(b []byte, read func(field) (ok bool)) bool {
	r := fields{b: b}
	for {
		f, more := r.next()
		if !more {
			return !r.bad
		}
		if !read(f) {
			return false
		}
	}
}

func decodeEntry(b []byte) (e event.LogEntry, ok bool) {
	ok = each(b, func(f field) (ok bool) {
		ok = true
		switch f.number {
		case fieldEntryPosition:
			e.Position = f.value
		case fieldEntryBytes:
			e.Bytes = integer(f.value)
		case fieldEntryStored:
			e.Stored = timeOf(f.value)
		case fieldEntryWritten:
			var x event.Written
			ok = each(f.bytes, func(f field) bool {
				switch f.number {
				case fieldWrittenClient:
					x.Client = f.value
				case fieldWrittenFrom:
					x.From = f.value
				case fieldWrittenTo:
					x.To = f.value
				}
				return true
			})
			e.Written = append(e.Written, x)
		case fieldEntryClients:
			e.Clients = integer(f.value)
		case fieldEntryDeleted:
			e.Deleted = f.value
		}
		return ok
	})
	return e, ok
}

func decodeState(b []byte, owned bool) (s awareness.State, ok bool) {
	ok = each(b, func(f field) bool {
		switch f.number {
		case fieldStateClient:
			s.Client = f.value
		case fieldStateClock:
			s.Clock = f.value
		case fieldStateConn:
			s.Conn = f.value
		case fieldStateJSON:
			s.JSON = taken(f.bytes, owned)
		case fieldStateRenewed:
			s.Renewed = timeOf(f.value)
		}
		return true
	})
	return s, ok
}

func decodeSummary(b []byte) (s event.Summary, ok bool) {
	ok = each(b, func(f field) bool {
		switch f.number {
		case fieldConns:
			s.Conns = integer(f.value)
		case fieldClients:
			s.Clients = integer(f.value)
		case fieldSize:
			s.Size = integer(f.value)
		case fieldChanged:
			s.Changed = timeOf(f.value)
		case fieldWorker:
			s.Worker = string(f.bytes)
		case fieldSizePending:
			s.Pending = integer(f.value)
		case fieldEdits:
			s.Edits = integer(f.value)
		}
		return true
	})
	return s, ok
}

func decodeInfo(b []byte) (info event.RoomInfo, ok bool) {
	ok = each(b, func(f field) (ok bool) {
		ok = true
		switch f.number {
		case fieldInfoName:
			info.Name = string(f.bytes)
		case fieldInfoState:
			info.State = event.RoomState(f.value)
		case fieldInfoSummary:
			info.Summary, ok = decodeSummary(f.bytes)
		case fieldInfoCode:
			info.Failure = &protocol.CloseError{Code: protocol.CloseCode(f.value)}
		case fieldInfoReason:
			if info.Failure != nil {
				info.Failure.Reason = string(f.bytes)
			}
		case fieldInfoStoredBytes:
			info.StoredBytes = integer(f.value)
		case fieldInfoStoredAt:
			info.StoredAt = timeOf(f.value)
		}
		return ok
	})
	return info, ok
}
