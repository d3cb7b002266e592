package link

// version is the version of the packets that this package reads and writes. A
// change that an older version can skip, such as a new field or a new kind of frame,
// doesn't change it.
const version = 1

// Numbers of the fields of a packet. They are fixed. Those from firstFrame on are frames.
const (
	packetFrom  = 1 // the ID of the sender
	packetMine  = 2 // the epoch of the sender's half of the session
	packetYours = 3 // the epoch of the receiver's half, as the sender knows it
	packetSeq   = 4 // the number of this packet, if it has frames
	packetSent  = 5 // the number of the last packet with frames, if this one has none
	packetAck   = 6 // the number of the last packet that the sender has received
	packetReply = 7 // 1: the sender wants a packet in return
	packetBeat  = 8 // a heartbeat
	packetLost  = 9 // 1: the sender had a session before this one

	firstFrame = 16
)

// Kinds of frames.
const (
	frameInput       = 16 // an input of a front
	frameOutput      = 17 // an output for a front
	framePart        = 18 // a part of a frame
	frameFrontClosed = 19 // a front of the sender was closed
	frameBackClosed  = 20 // the worker of the sender has ended
	frameStray       = 21 // an input of a connection was refused, because the sender doesn't run its room
	frameReturned    = 22 // an input with a request, which was refused for the same reason
	frameDropped     = 23 // outputs of a room were dropped
)

// header is the beginning of a packet.
type header struct {
	from        ID
	mine, yours uint64
	seq, sent   uint64
	ack         uint64
	reply       bool
	lost        bool
}

func appendHeader(b []byte, h *header) []byte {
	b = append(b, version)
	b = appendBytes(b, packetFrom, h.from[:])
	b = appendUint(b, packetMine, h.mine)
	b = appendUint(b, packetYours, h.yours)
	b = appendUint(b, packetSeq, h.seq)
	b = appendUint(b, packetSent, h.sent)
	b = appendUint(b, packetAck, h.ack)
	b = appendBool(b, packetReply, h.reply)
	return appendBool(b, packetLost, h.lost)
}

// packet is a packet that was received.
type packet struct {
	header

	beat   []byte  // nil if the packet has no heartbeat
	frames []field // in order
}

// decodePacket decodes a packet, and appends its frames to the given ones. Its bytes
// are part of b.
func decodePacket(b []byte, frames []field) (p packet, ok bool) {
	p.frames = frames
	if len(b) == 0 || b[0] != version {
		return p, false
	}
	r := fields{b: b[1:]}
	for {
		f, more := r.next()
		if !more {
			return p, !r.bad && p.from != Everyone
		}
		switch f.number {
		case packetFrom:
			copy(p.from[:], f.bytes)
		case packetMine:
			p.mine = f.value
		case packetYours:
			p.yours = f.value
		case packetSeq:
			p.seq = f.value
		case packetSent:
			p.sent = f.value
		case packetAck:
			p.ack = f.value
		case packetReply:
			p.reply = f.value != 0
		case packetLost:
			p.lost = f.value != 0
		case packetBeat:
			p.beat = f.bytes
		default:
			if f.number >= firstFrame && f.bytes != nil {
				p.frames = append(p.frames, f)
			}
		}
	}
}
