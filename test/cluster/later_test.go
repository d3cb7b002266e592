package cluster_test

import (
	"bytes"
	"encoding/binary"
	"iter"
	"sync/atomic"

	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/link"
)

// laterBus is the bus of a process of a later version: its packets, heartbeats, inputs
// and outputs have fields, and its packets frames, that this version doesn't know. It
// sends inputs and outputs of an unknown kind as well.
type laterBus struct {
	buslayer.Bus

	unknown *atomic.Int64 // counts frames that this version doesn't know
}

// Publish implements buslayer.Bus.
func (b laterBus) Publish(packets []link.Packet) error {
	later := make([]link.Packet, len(packets))
	for i, p := range packets {
		later[i] = link.Packet{To: p.To, Data: b.extend(p.Data)}
	}
	return b.Bus.Publish(later)
}

// Numbers of fields of this version, as package link fixes them.
const (
	packetBeat  = 8
	frameInput  = 16
	frameOutput = 17

	fieldKind = 1
	fieldData = 15
)

// Numbers that this version doesn't use.
const (
	unknownNumber = 14 // of a field of a packet
	unknownText   = 13
	unknownFrame  = 1000
	unknownField  = 200 // of a heartbeat, an input or an output
	unknownKind   = 99
)

// extend returns the packet as the later version would encode it.
func (b laterBus) extend(packet []byte) []byte {
	later := []byte{packet[0]} // the version of the encoding
	later = appendNumber(later, unknownNumber, 1<<40)
	later = appendText(later, unknownText, []byte("later"))
	for number, f := range fields(packet[1:]) {
		switch number {
		case frameInput, frameOutput:
			later = appendText(later, number, ofUnknownKind(f.content))
			later = appendText(later, unknownFrame, f.content)
			b.unknown.Add(2)
		case packetBeat:
		default:
			later = append(later, f.all...)
			continue
		}
		more := appendNumber(bytes.Clone(f.content), unknownField, 1)
		later = appendText(later, number, appendText(more, unknownField, []byte("more")))
	}
	return later
}

// ofUnknownKind returns the fields of an input or an output, except for the data of its
// message, with another kind.
func ofUnknownKind(content []byte) []byte {
	out := appendNumber(nil, fieldKind, unknownKind)
	for number, f := range fields(content) {
		if number != fieldKind && number < fieldData {
			out = append(out, f.all...)
		}
	}
	return out
}

// field is a field as package link encodes it.
type field struct {
	all     []byte
	content []byte // nil for a number
}

// fields returns the fields of a packet, an input or an output, by their numbers.
func fields(b []byte) iter.Seq2[uint64, field] {
	return func(yield func(uint64, field) bool) {
		for len(b) > 0 {
			tag, n := binary.Uvarint(b)
			value, m := binary.Uvarint(b[n:])
			f := field{all: b[:n+m]}
			if tag&1 == 1 {
				f = field{b[:n+m+int(value)], b[n+m:][:value]}
			}
			if b = b[len(f.all):]; !yield(tag>>1, f) {
				return
			}
		}
	}
}

func appendNumber(b []byte, field, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, field<<1), v)
}

func appendText(b []byte, field uint64, v []byte) []byte {
	return append(binary.AppendUvarint(binary.AppendUvarint(b, field<<1|1), uint64(len(v))), v...)
}
