package consumer

import (
	"bufio"
	"cmp"
	"net"
	"sync"
	"syscall"

	"github.com/gobwas/ws"
)

// input is what a client sends. It has a buffer only while bytes arrive, so an idle
// connection has none.
type input struct {
	conn net.Conn
	raw  syscall.RawConn       // of conn; nil if its own Read is used
	try  func(fd uintptr) bool // in.tryRead, made once so that reading allocates nothing

	scratch [ws.MaxControlFramePayloadSize]byte // for wait; and for the reader a header, or the payload of a control frame
	got     int                                 // how many bytes wait has read into scratch that aren't in the buffer yet

	// For tryRead.
	into   []byte
	waits  bool  // only until something has arrived
	tried  bool  // it was called before
	read   int   // how many bytes
	failed error // why nothing more can be read

	buffer *inputBuffer // nil: none
	have   []byte       // the bytes that were read and not taken yet
}

type inputBuffer [4 << 10]byte

var inputBuffers = sync.Pool{New: func() any { return new(inputBuffer) }}

// open makes in read what before holds, and then from conn. It doesn't keep before, which may
// keep the request in memory.
func (in *input) open(conn net.Conn, before *bufio.Reader) {
	in.conn, in.raw = conn, rawConn(conn)
	in.try = in.tryRead
	if n := before.Buffered(); n > 0 {
		in.have, _ = before.Peek(n) // as many are there
		in.have = append([]byte(nil), in.have...)
	}
}

// wait returns when bytes have arrived or the connection has failed. Its stack is small, and
// it holds no buffer.
func (in *input) wait() (err error) {
	if len(in.have) > 0 {
		return nil
	}
	if in.got, err = in.receive(in.scratch[:], true); in.got > 0 { // an error will come again
		return nil
	}
	return err
}

// receive reads into p, or waits until something has arrived. If waits is set, it may return
// without having read.
func (in *input) receive(p []byte, waits bool) (int, error) {
	if in.raw == nil {
		return in.conn.Read(p)
	}
	in.into, in.waits, in.tried, in.read, in.failed = p, waits, false, 0, nil
	err := in.raw.Read(in.try)
	in.into = nil
	return in.read, cmp.Or(err, in.failed)
}

// Read reads what has arrived, or waits for it as net.Conn does.
func (in *input) Read(p []byte) (n int, err error) {
	if len(in.have) == 0 {
		if in.got == 0 && len(p) >= len(inputBuffer{}) {
			return in.receive(p, false)
		}
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	n = copy(p, in.have)
	in.have = in.have[n:]
	return n, nil
}

// fill reads into the buffer, which is empty.
func (in *input) fill() (err error) {
	if in.buffer == nil {
		in.buffer, _ = inputBuffers.Get().(*inputBuffer) // it holds no others
	}
	n := copy(in.buffer[:], in.scratch[:in.got])
	if in.got = 0; n == 0 {
		if n, err = in.receive(in.buffer[:], false); n > 0 {
			err = nil // it will come again
		}
	}
	in.have = in.buffer[:n]
	return err
}

// discard drops up to n bytes, and returns how many.
func (in *input) discard(n int64) (dropped int, err error) {
	if len(in.have) == 0 {
		if err := in.fill(); err != nil {
			return 0, err
		}
	}
	dropped = int(min(n, int64(len(in.have))))
	in.have = in.have[dropped:]
	return dropped, nil
}

// rest returns an empty buffer to the pool. It reports whether all bytes that were read have
// been taken.
func (in *input) rest() bool {
	if len(in.have) > 0 {
		return false
	}
	in.have = nil
	if in.buffer != nil {
		inputBuffers.Put(in.buffer)
		in.buffer = nil
	}
	return in.got == 0
}

// close drops what was read and not taken.
func (in *input) close() {
	in.have, in.got = nil, 0
	in.rest()
}
