package djangolayer

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// messageType is the type of a message from a Django process.
type messageType string

const (
	typeConnect    messageType = "connect"
	typeMessage    messageType = "message"
	typeDisconnect messageType = "disconnect"
	typeRPC        messageType = "rpc"
)

// message is a message from a Django process. Its conn_id is ignored: the name of the
// channel identifies a connection, also where an app gives several connections one number.
type message struct {
	typ     messageType
	room    string
	channel string
	payload []byte // typeMessage: what the client sent; aliases what was read
	method  string // typeRPC
	param   string // typeRPC: the name of a root

	access    event.Access // says what options allow
	hasAccess bool         // there are options
}

var (
	errType   = errors.New("the message has no type connect, message, disconnect or rpc")
	errNoMap  = errors.New("the message is not a map in msgpack: if CHANNEL_LAYERS has symmetric_encryption_keys, name a file with them with keys in the address; serializer_format must be msgpack")
	errParams = errors.New("params is not an array of one string")
)

// readMessage reads a message. The error says what is wrong with it, and quotes only little
// of it.
func readMessage(data []byte) (m message, err error) {
	r := reader{rest: data}
	k, n := r.head()
	if r.err == nil && k != kindMap {
		return m, errNoMap
	}
	var has struct{ payload, params bool }
	for ; n > 0 && r.err == nil; n -= 2 {
		switch key := r.text("a key"); key {
		case "type":
			m.typ = messageType(r.text(key))
		case "room":
			m.room = r.text(key)
		case "channel_name":
			m.channel = r.text(key)
		case "payload":
			m.payload, has.payload = r.bytes(key), true
		case "method":
			m.method = r.text(key)
		case "params":
			m.param, has.params = readParams(&r), true
		case "options":
			m.access, m.hasAccess = readOptions(&r)
		default:
			r.skip()
		}
	}
	switch {
	case r.err != nil:
		return message{}, r.err
	case len(r.rest) > 0:
		return message{}, fmt.Errorf("%d bytes follow the message", len(r.rest))
	}
	err = m.check(has.payload, has.params)
	return m, err
}

// readParams reads the parameters of a call, which are the name of a root.
func readParams(r *reader) (param string) {
	if n := r.expect(kindArray, "params"); n != 1 {
		r.fail(errParams)
	}
	return r.text("params")
}

// readOptions reads the options of a connection. What they don't mention is allowed.
func readOptions(r *reader) (a event.Access, given bool) {
	k, n := r.head()
	if r.err == nil && k != kindMap && k != kindNil {
		r.fail(fmt.Errorf("options is %v, not a map", k))
	}
	a = event.AccessWrite | event.AccessPresent
	for ; n > 0 && r.err == nil; n -= 2 {
		var may event.Access
		key := r.text("an option")
		switch key {
		case "allow_write":
			may = event.AccessWrite
		case "allow_write_awareness":
			may = event.AccessPresent
		default:
			r.skip()
			continue
		}
		if a |= may; !r.bool(key) {
			a &^= may
		}
	}
	return a, k == kindMap
}

// check returns an error if something is missing.
func (m *message) check(payload, params bool) error {
	switch m.typ {
	case typeConnect, typeDisconnect:
	case typeMessage:
		if !payload {
			return errors.New("the message has no payload")
		}
	case typeRPC:
		if m.method == "" {
			return errors.New("the call has no method")
		}
		if !params {
			return errParams
		}
	default:
		return errType
	}
	if err := checkRoom(m.room); err != nil {
		return err
	}
	return checkChannel(m.channel)
}

// answer is what a Django process is sent.
type answer struct {
	typ     string
	payload []byte  // typeForward: for the client
	result  *string // typeResponse: of a call; nil stands for None
	code    protocol.CloseCode
	reason  string // typeClose, as code
}

// The types of answers.
const (
	typeForward  = "forward_payload"
	typeResponse = "rpc_response"
	typeClose    = "websocket.close"
)

// append appends a as msgpack. A core layer adds the channels that it is for.
func (a answer) append(b []byte, to []string) []byte {
	entries := 2
	if a.typ == typeClose {
		entries++
	}
	if to != nil {
		entries++
	}
	b = appendString(appendString(appendMap(b, entries), "type"), a.typ)
	switch {
	case a.typ == typeForward:
		b = appendBytes(appendArray(appendString(b, "payloads"), 1), a.payload)
	case a.typ == typeClose:
		b = binary.BigEndian.AppendUint16(append(appendString(b, "code"), 0xcd), uint16(a.code))
		b = appendString(appendString(b, "reason"), a.reason)
	case a.result == nil:
		b = appendNil(appendString(b, "result"))
	default:
		b = appendString(appendString(b, "result"), *a.result)
	}
	if to == nil {
		return b
	}
	b = appendArray(appendString(b, "__asgi_channel__"), len(to))
	for _, channel := range to {
		b = appendString(b, channel)
	}
	return b
}
