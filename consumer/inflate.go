package consumer

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"

	"github.com/yroom/yroom/protocol"
)

const (
	inflateWindow = 32 << 10 // how far back a compressed message refers to itself
	inflaterSize  = 48 << 10 // the memory of an inflater
)

// inflater inflates one message at a time. A socket has one only meanwhile.
type inflater struct {
	in    packed
	flate io.ReadCloser // a flate.Resetter, which reads from in
}

var inflaters = sync.Pool{New: func() any {
	z := &inflater{}
	z.flate = flate.NewReader(&z.in)
	return z
}}

// packed is a compressed message that is being read, with what follows each: the bytes that
// its sender leaves out, and an empty last block.
type packed struct {
	data  []byte
	tail  string
	spend func(n int)
	taken int // bytes since the last call of spend
}

const packedTail = flushed + "\x01\x00\x00\xff\xff"

func (p *packed) rest() int { return len(p.data) + len(p.tail) }

// Read makes packed a flate.Reader.
func (p *packed) Read(b []byte) (n int, err error) {
	if len(p.data) > 0 {
		n = copy(b, p.data)
		p.data = p.data[n:]
	} else {
		n = copy(b, p.tail)
		p.tail = p.tail[n:]
	}
	if n == 0 && len(b) > 0 {
		return 0, io.EOF
	}
	p.count(n)
	return n, nil
}

// ReadByte makes packed a flate.Reader, which reads no more than it needs.
func (p *packed) ReadByte() (b byte, err error) {
	switch {
	case len(p.data) > 0:
		b, p.data = p.data[0], p.data[1:]
	case p.tail != "":
		b, p.tail = p.tail[0], p.tail[1:]
	default:
		return 0, io.EOF
	}
	p.count(1)
	return b, nil
}

// count lets others have their turn while bytes are taken that inflate to nothing.
func (p *packed) count(n int) {
	if p.taken += n; p.taken >= readStep {
		p.spend(p.taken)
		p.taken = 0
	}
}

// inflate returns the message that data compresses, as the client has sent it. It allocates
// memory as the message is inflated, and reserves it with that of data.
func (s *socket) inflate(data []byte) ([]byte, error) {
	z := inflaters.Get().(*inflater)
	defer func() {
		z.in = packed{}
		inflaters.Put(z)
	}()
	z.in = packed{data: data, tail: packedTail, spend: s.spend}
	if err := z.reset(nil); err != nil {
		return nil, err
	}
	limit := int(s.max.Load())
	var message []byte
	for left := limit; ; {
		if len(message) == cap(message) {
			grown, err := s.grow(message, len(data), limit)
			if err != nil {
				return nil, err
			}
			message = grown
		}
		n, err := z.flate.Read(message[len(message):min(cap(message), len(message)+readStep)])
		message = message[:len(message)+n]
		if left -= n; left < 0 {
			return nil, tooBig(int64(limit))
		}
		s.spend(n)
		switch {
		case err == nil:
		case !errors.Is(err, io.EOF):
			return nil, &protocol.CloseError{Code: protocol.CloseMalformed, Reason: "the compressed message is damaged: " + err.Error()}
		case z.in.rest() == 0:
			return bytes.Clone(message), nil
		default: // a message may have several last blocks, each of which costs as much as the window
			left -= inflateWindow
			if err := z.reset(message[max(0, len(message)-inflateWindow):]); err != nil {
				return nil, err
			}
		}
	}
}

// reset makes the inflater begin a block, which may refer to window.
func (z *inflater) reset(window []byte) error {
	return z.flate.(flate.Resetter).Reset(&z.in, window)
}

// grow returns a message with more capacity, up to one byte more than the limit.
func (s *socket) grow(message []byte, compressed, limit int) ([]byte, error) {
	size := min(limit+1, max(2*len(message), min(4*compressed, readStep), 512))
	if err := s.reserve(compressed + size + inflaterSize); err != nil {
		return nil, err
	}
	return append(make([]byte, 0, size), message...), nil
}
