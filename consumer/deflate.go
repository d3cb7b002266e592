package consumer

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"sync"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/internal/weakbytes"
)

// packing is the compressed form of data, which all frames with that data share.
type packing struct {
	mu     sync.Mutex
	size   int               // of the data
	packed weakbytes.Pointer // in memory as long as a frame has it
	vain   bool              // it is no smaller than the data
}

// of returns data compressed, or nil if that is no smaller. It is compressed once as long as
// the result is in memory.
func (p *packing) of(data []byte, c *compressors) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	packed := p.packed.Value()
	if p.size != len(data) || packed == nil && !p.vain {
		packed = c.compress(data)
		p.size, p.packed, p.vain = len(data), weakbytes.Make(packed), packed == nil
	}
	return packed
}

// packing returns a new packing for the message of an Output, or nil if the message isn't to be
// compressed.
func (c *Consumer) packing(o *event.Output) *packing {
	if !c.cfg.Compression.covers(o) {
		return nil
	}
	return new(packing)
}

// frame returns the frame that carries the message of an Output, as newFrame does. Unless p is
// nil, the frame has a compressed form, whose data is that of p.
func (c *Consumer) frame(d dialect, o *event.Output, p *packing) *outbox.Frame {
	f := newFrame(d, o)
	if p == nil || f.Head == nil {
		return f
	}
	m := o.Message
	f.Compressed = sync.OnceValue(func() *outbox.Frame {
		packed := p.of(m.Data, &c.compressors)
		if packed == nil {
			return f
		}
		// What is before the data is not compressed, so that frames of different dialects and
		// for different addresses share the data: it is a block of its own.
		const stored = 1 + 2 + 2 // the kind of block, its length, and that inverted
		buf := d.AppendHead(make([]byte, headerSize+stored, headerSize+stored+d.HeadSize()), m)
		n := uint16(len(buf) - headerSize - stored)
		binary.LittleEndian.PutUint16(buf[headerSize+1:], n)
		binary.LittleEndian.PutUint16(buf[headerSize+3:], ^n)
		head := seal(ws.OpBinary, buf, len(packed))
		head[0] |= compressedBit
		return &outbox.Frame{Head: head, Body: packed}
	})
	return f
}

// compressedBit is the reserved bit of a frame's first byte that says that its message is
// compressed.
const compressedBit = 0x40

// compressors compress messages. A compressor takes more than a megabyte, so there are as many
// as processors, for messages that take long and for others each.
type compressors struct{ long, short chan struct{} }

func newCompressors() compressors {
	n := runtime.GOMAXPROCS(0)
	return compressors{make(chan struct{}, n), make(chan struct{}, n)}
}

// compress returns data compressed, without the four bytes at the end that each message has in
// common, or nil if that is no smaller.
func (c *compressors) compress(data []byte) []byte {
	turns := c.short
	if len(data) > writeStep {
		turns = c.long
	}
	turns <- struct{}{}
	defer func() { <-turns }()
	to := &bounded{most: len(data)}
	w := flateWriters.Get().(*flate.Writer)
	defer flateWriters.Put(w)
	w.Reset(to)
	for step := range slices.Chunk(data, writeStep) {
		if _, err := w.Write(step); err != nil {
			return nil
		}
		runtime.Gosched() // as in spend
	}
	if err := w.Flush(); err != nil {
		return nil
	}
	return bytes.Clone(to.got[:len(to.got)-len(flushed)])
}

// flushed is what a flush ends with, and what no message ends with.
const flushed = "\x00\x00\xff\xff"

var flateWriters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // only an unknown level is an error
	return w
}}

// bounded takes bytes, up to a number of them.
type bounded struct {
	most int
	got  []byte
}

var errVain = errors.New("the data doesn't become smaller")

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.got)+len(p) > b.most {
		return 0, errVain
	}
	b.got = append(b.got, p...)
	return len(p), nil
}
