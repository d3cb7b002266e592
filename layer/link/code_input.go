package link

import (
	"bytes"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// Numbers of the fields of inputs and outputs. They are fixed.
const (
	fieldKind     = 1
	fieldConn     = 2 // the sender of an input, or the receiver of an output
	fieldAccess   = 3
	fieldGreeting = 4
	fieldEpoch    = 5
	fieldSeq      = 6
	fieldVector   = 7
	fieldType     = 8 // of the message
	fieldCode     = 9
	fieldReason   = 10
	fieldRoom     = 12
	fieldFront    = 13
	fieldBirth    = 14 // of the front's peer at the worker; only in outputs
	fieldData     = 15 // of the message; the last field
	fieldTerm     = 16 // of a worker that has ended
	fieldUser     = 17 // only in inputs
	fieldOwn      = 18 // the client id of the sender; only in inputs
	fieldMost     = 19 // only in inputs
	fieldCount    = 40 // of the message
	fieldTrace    = 42
)

// Numbers of the further fields of inputs.
const (
	fieldRequest       = 20 // its kind; missing if there is no request
	fieldSinceEpoch    = 21
	fieldSinceSeq      = 22
	fieldRequestVector = 23
	fieldBare          = 24
	fieldClient        = 25
	fieldClock         = 26
	fieldPrefix        = 27
	fieldAfter         = 28
	fieldLimit         = 29
	fieldFrom          = 30
	fieldUpdate        = 31 // of a request or a response; the last field
	fieldAcks          = 32
	fieldV1            = 33
	fieldTarget        = 34
	fieldTargetUser    = 35
	fieldTargetAccess  = 36
	fieldSent          = 37 // the message of a request
	fieldAfterOffer    = 38
	fieldAccessSeq     = 39 // in outputs too
	fieldPending       = 41
)

// encodeInput encodes an input of a front.
func encodeInput(front uint64, in *layer.Input) message {
	b := make([]byte, 0, 64+len(in.Room)+len(in.Vector))
	b = appendUint(b, fieldKind, uint64(in.Kind))
	b = appendString(b, fieldRoom, in.Room)
	b = appendUint(b, fieldFront, front)
	b = appendUint(b, fieldConn, uint64(in.Conn))
	b = appendUint(b, fieldAccess, uint64(in.Access))
	b = appendUint(b, fieldAccessSeq, in.AccessSeq)
	b = appendUint(b, fieldGreeting, uint64(in.Greeting))
	b = appendBool(b, fieldAcks, in.Acks)
	b = appendBool(b, fieldV1, in.V1)
	b = appendBool(b, fieldAfterOffer, in.Offered)
	b = appendString(b, fieldUser, in.User)
	b = appendUint(b, fieldOwn, in.Client)
	b = appendUint(b, fieldEpoch, in.Mark.Epoch)
	b = appendUint(b, fieldSeq, in.Mark.Seq)
	b = appendBytes(b, fieldVector, in.Vector)
	b = appendUint(b, fieldMost, uint64(max(in.Most, 0)))
	b = appendTrace(b, in.Trace)
	b = appendMessage(b, &in.Message)
	if in.Request != nil {
		b = appendRequest(b, in.Request)
		if in.Request.Update != nil {
			return message{kind: frameInput, room: in.Room, head: appendLength(b, fieldUpdate, len(in.Request.Update)), data: in.Request.Update}
		}
	}
	return withData(frameInput, in.Room, b, in.Message.Data)
}

// appendTrace appends a trace, unless it is nil: its ID and the one of the span.
func appendTrace(b []byte, t *event.Trace) []byte {
	if t == nil {
		return b
	}
	return append(append(appendLength(b, fieldTrace, len(t.ID)+len(t.Span)), t.ID[:]...), t.Span[:]...)
}

// traceOf returns the trace that appendTrace has appended, or nil for anything else.
func traceOf(b []byte) *event.Trace {
	t := new(event.Trace)
	if len(b) != len(t.ID)+len(t.Span) {
		return nil
	}
	copy(t.Span[:], b[copy(t.ID[:], b):])
	return t
}

func appendMessage(b []byte, m *protocol.Message) []byte {
	b = appendUint(b, fieldType, uint64(m.Type))
	b = appendUint(b, fieldCode, uint64(m.Code))
	b = appendUint(b, fieldCount, uint64(max(m.Count, 0)))
	return appendString(b, fieldReason, m.Reason)
}

// withData returns a message that ends with the data of a protocol.Message.
func withData(kind uint64, room string, head, data []byte) message {
	if data == nil {
		return message{kind: kind, room: room, head: head}
	}
	return message{kind: kind, room: room, head: appendLength(head, fieldData, len(data)), data: data}
}

func appendRequest(b []byte, r *event.Request) []byte {
	b = appendUintAlways(b, fieldRequest, uint64(r.Kind))
	b = appendUint(b, fieldSinceEpoch, r.Since.Epoch)
	b = appendUint(b, fieldSinceSeq, r.Since.Seq)
	b = appendBytes(b, fieldRequestVector, r.Vector)
	b = appendBool(b, fieldBare, r.Bare)
	b = appendBool(b, fieldPending, r.Pending)
	b = appendUint(b, fieldClient, r.Client)
	b = appendUint(b, fieldClock, r.Clock)
	b = appendString(b, fieldPrefix, r.Prefix)
	b = appendString(b, fieldAfter, r.After)
	b = appendUint(b, fieldFrom, r.From)
	b = appendUint(b, fieldTarget, uint64(r.Target))
	b = appendString(b, fieldTargetUser, r.User)
	b = appendUint(b, fieldTargetAccess, uint64(r.Access))
	if sent := appendBytes(appendMessage(nil, &r.Message), fieldData, r.Message.Data); len(sent) > 0 {
		b = appendBytes(b, fieldSent, sent)
	}
	return appendUint(b, fieldLimit, uint64(max(r.Limit, 0)))
}

// decodeInput decodes what encodeInput has encoded, except for the address. The result
// shares no memory with b, unless owned is set.
func decodeInput(b []byte, owned bool) (front uint64, in layer.Input, ok bool) {
	r := fields{b: b}
	request := func() *event.Request {
		if in.Request == nil {
			in.Request = new(event.Request)
		}
		return in.Request
	}
	for {
		f, more := r.next()
		if !more {
			return front, in, !r.bad
		}
		switch f.number {
		case fieldKind:
			in.Kind = event.InputKind(f.value)
		case fieldRoom:
			in.Room = string(f.bytes)
		case fieldFront:
			front = f.value
		case fieldConn:
			in.Conn = event.ConnID(f.value)
		case fieldAccess:
			in.Access = event.Access(f.value)
		case fieldAccessSeq:
			in.AccessSeq = f.value
		case fieldGreeting:
			in.Greeting = event.Greeting(f.value)
		case fieldAcks:
			in.Acks = f.value != 0
		case fieldV1:
			in.V1 = f.value != 0
		case fieldAfterOffer:
			in.Offered = f.value != 0
		case fieldUser:
			in.User = string(f.bytes)
		case fieldOwn:
			in.Client = f.value
		case fieldEpoch:
			in.Mark.Epoch = f.value
		case fieldSeq:
			in.Mark.Seq = f.value
		case fieldVector:
			in.Vector = taken(f.bytes, owned)
		case fieldMost:
			in.Most = integer(f.value)
		case fieldTrace:
			in.Trace = traceOf(f.bytes)
		case fieldRequest:
			request().Kind = event.RequestKind(f.value)
		case fieldSinceEpoch:
			request().Since.Epoch = f.value
		case fieldSinceSeq:
			request().Since.Seq = f.value
		case fieldRequestVector:
			request().Vector = taken(f.bytes, owned)
		case fieldBare:
			request().Bare = f.value != 0
		case fieldPending:
			request().Pending = f.value != 0
		case fieldClient:
			request().Client = f.value
		case fieldClock:
			request().Clock = f.value
		case fieldPrefix:
			request().Prefix = string(f.bytes)
		case fieldAfter:
			request().After = string(f.bytes)
		case fieldFrom:
			request().From = f.value
		case fieldTarget:
			request().Target = event.ConnID(f.value)
		case fieldTargetUser:
			request().User = string(f.bytes)
		case fieldTargetAccess:
			request().Access = event.Access(f.value)
		case fieldSent:
			sent := fields{b: f.bytes}
			for inner, more := sent.next(); more; inner, more = sent.next() {
				decodeMessage(&request().Message, inner, owned)
			}
			r.bad = r.bad || sent.bad
		case fieldLimit:
			request().Limit = integer(f.value)
		case fieldUpdate:
			request().Update = taken(f.bytes, owned)
		default:
			decodeMessage(&in.Message, f, owned)
		}
	}
}

// decodeMessage decodes a field of a message.
func decodeMessage(m *protocol.Message, f field, owned bool) {
	switch f.number {
	case fieldType:
		m.Type = protocol.Type(f.value)
	case fieldCode:
		m.Code = protocol.CloseCode(f.value)
	case fieldReason:
		m.Reason = string(f.bytes)
	case fieldCount:
		m.Count = integer(f.value)
	case fieldData:
		m.Data = taken(f.bytes, owned)
	}
}

// taken returns bytes that may be kept.
func taken(b []byte, owned bool) []byte {
	if owned {
		return b
	}
	return bytes.Clone(b)
}

// integer converts a number that fits unless the packet is damaged.
func integer(v uint64) int {
	const most = 1<<63 - 1
	return int(min(v, most))
}
