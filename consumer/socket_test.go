package consumer

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/protocol"
)

// masked returns a client's frame with this first byte, and a header that claims this
// length.
func masked(first byte, length []byte, payload string) []byte {
	mask := [4]byte{9, 8, 7, 6}
	body := []byte(payload)
	ws.Cipher(body, mask, 0)
	length[0] |= 0x80
	return append(append(append([]byte{first}, length...), mask[:]...), body...)
}

func short(first byte, payload string) []byte {
	return masked(first, []byte{byte(len(payload))}, payload)
}

func TestHostileFrames(t *testing.T) {
	for name, tc := range map[string]struct {
		bytes []byte
		code  protocol.CloseCode
	}{
		"unmasked":                        {[]byte{0x82, 1, 5}, 1002},
		"reserved bit 1":                  {short(0xc2, "x"), 1002},
		"reserved bit 3":                  {short(0x92, "x"), 1002},
		"opcode 3":                        {short(0x83, "x"), 1002},
		"opcode 11":                       {short(0x8b, "x"), 1002},
		"opcode 15":                       {short(0x8f, ""), 1002},
		"continues nothing":               {short(0x80, "x"), 1002},
		"begins in the middle":            {append(short(0x02, "x"), short(0x82, "y")...), 1002},
		"long ping":                       {masked(0x89, []byte{126, 0, 126}, strings.Repeat("x", 126)), 1002},
		"fragmented ping":                 {short(0x09, "x"), 1002},
		"close of one byte":               {short(0x88, "x"), 1002},
		"close 999":                       {short(0x88, "\x03\xe7"), 1002},
		"close 1004":                      {short(0x88, "\x03\xec"), 1002},
		"close 1005":                      {short(0x88, "\x03\xed"), 1002},
		"close 1006":                      {short(0x88, "\x03\xee"), 1002},
		"close 1015":                      {short(0x88, "\x03\xf7"), 1002},
		"close 5000":                      {short(0x88, "\x13\x88"), 1002},
		"close with a bad reason":         {short(0x88, "\x03\xe8\xff"), 1007},
		"text with bad bytes":             {short(0x81, "\xff"), 1007},
		"a length of more than 63 bits":   {masked(0x82, []byte{127, 255, 255, 255, 255, 255, 255, 255, 255}, "x"), 1002},
		"a length of 63 bits":             {masked(0x82, []byte{127, 127, 255, 255, 255, 255, 255, 255, 255}, "x"), 1009},
		"one byte too many":               {masked(0x82, []byte{127, 0, 0, 0, 0, 1, 0, 0, 1}, "x"), 1009},
		"fragments of too much in all":    {append(short(0x02, "x"), masked(0x80, []byte{127, 0, 0, 0, 0, 1, 0, 0, 0}, "x")...), 1009},
		"a close in the middle":           {append(short(0x02, "x"), short(0x88, "\x03\xe9")...), 1001},
		"a close without a code":          {short(0x88, ""), 1005},
		"a code of the application's":     {short(0x88, "\x0f\xa1 that's it"), 4001},
		"a close behind a good message":   {append(short(0x82, "\x00\x02\x01\x05"), short(0x88, "\x03\xe8")...), 1000},
		"a restart from the other server": {short(0x88, "\x03\xf4"), 1012},
	} {
		t.Run(name, func(t *testing.T) {
			var why protocol.CloseError
			hooks := Hooks{PreDisconnect: func(_ *Conn, e protocol.CloseError) { why = e }}
			withHarness(t, Config{Hooks: hooks}, func(t *testing.T, h *harness) {
				c, _ := h.join("/doc")
				go func() { _ = c.Write(tc.bytes) }()
				op, payload := c.read()
				code, _ := ws.ParseCloseFrameData(payload)
				if len(payload) == 0 {
					code = 1005
				}
				if op != ws.OpClose || protocol.CloseCode(code) != tc.code {
					t.Errorf("got opcode %d with %d", op, code)
				}
				if _, _, err := c.Read(); err == nil {
					t.Error("something arrived after the close frame")
				}
				_ = c.Close()
				synctest.Wait()
				if why.Code != tc.code {
					t.Errorf("PreDisconnect was called with %v", &why)
				}
				if strings.Contains(h.worker.lines(), "message") != strings.Contains(name, "good message") {
					t.Errorf("layer:\n%s", h.worker.lines())
				}
				if n := strings.Count(h.logs.String(), "disconnected"); n != 1 {
					t.Errorf("%d lines about it", n)
				}
			})
		})
	}
}

// sent is a connection on which a client has sent these bytes.
type sent struct {
	net.Conn
	bytes io.Reader
}

func (c sent) Read(b []byte) (int, error) { return c.bytes.Read(b) }

func reader(limit int, b []byte) *socket {
	s := &socket{consumer: &Consumer{incoming: incoming{limit: defaultMessages}}, in: input{conn: sent{bytes: bytes.NewReader(b)}}}
	s.max.Store(int64(limit))
	return s
}

func TestFragments(t *testing.T) {
	in := bytes.Join([][]byte{
		short(0x02, "one "), short(0x89, "ping"), short(0x00, ""), short(0x00, "two "), short(0x8a, ""), short(0x80, "three"),
		short(0x01, "g\xc3"), short(0x80, "\xa4h"),
		short(0x82, ""),
	}, nil)
	s := reader(13, in)
	type got struct {
		Op   ws.OpCode
		Data string
	}
	var all []got
	for {
		op, data, err := s.next()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				t.Errorf("ended with %v", err)
			}
			break
		}
		all = append(all, got{op, string(data)})
	}
	want := []got{{ws.OpPing, "ping"}, {ws.OpPong, ""}, {ws.OpBinary, "one two three"}, {ws.OpText, "gäh"}, {ws.OpBinary, ""}}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestBigMessage(t *testing.T) {
	data := bytes.Repeat([]byte("yroom"), 1<<20)
	s := reader(defaultMessageSize, wsclient.Frame(ws.OpBinary, true, data))
	op, got, err := s.next()
	if op != ws.OpBinary || err != nil || !bytes.Equal(got, data) {
		t.Errorf("got opcode %d, %d bytes, %v", op, len(got), err)
	}
	if cap(got) != len(got) {
		t.Errorf("%d bytes are held for a message of %d", cap(got), len(got))
	}
}

// No memory is allocated for a claimed length.
func TestClaimedLength(t *testing.T) {
	in := masked(0x82, []byte{127, 0, 0, 0, 0, 1, 0, 0, 0}, "only this")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 100 {
		if _, _, err := reader(defaultMessageSize, in).next(); err == nil {
			t.Fatal("a message that didn't arrive was read")
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / 100; each > 2*readStep {
		t.Errorf("%d bytes were allocated", each)
	}
}

// What a client sends without end after its connection was closed is dropped slowly.
func TestSendingAfterClose(t *testing.T) {
	for name, tc := range map[string]struct {
		first []byte
		wait  time.Duration
	}{
		"a frame that breaks the rules": {[]byte{0x82, 1, 5}, rudeWait},
		"a malformed message":           {short(0x82, "\x00\x02\x05"), closeWait},
	} {
		t.Run(name, func(t *testing.T) {
			withHarness(t, Config{}, func(t *testing.T, h *harness) {
				c, _ := h.join("/doc")
				sent := 0
				var writer sync.WaitGroup
				writer.Go(func() {
					more := wsclient.Frame(ws.OpBinary, true, make([]byte, 60))
					for next := tc.first; c.Write(next) == nil; next = more {
						sent += len(more)
					}
				})
				if op, _ := c.read(); op != ws.OpClose {
					t.Errorf("got opcode %d", op)
				}
				writer.Wait()
				_ = c.Close()
				// What was counted last is partly unread, and the time may end within a turn.
				if most := int(tc.wait/lingerPause+2) * turnSize; sent > most {
					t.Errorf("%d bytes were read, want at most %d", sent, most)
				}
			})
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(short(0x82, "hello"))
	f.Add(append(short(0x02, "x"), short(0x80, "y")...))
	f.Add(append(short(0x89, "x"), short(0x88, "\x03\xe8bye")...))
	f.Add(masked(0x82, []byte{126, 0, 4}, "four"))
	f.Add(masked(0x82, []byte{127, 0, 0, 0, 0, 0, 0, 0, 1}, "x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		const limit = 64
		s := reader(limit, in)
		for {
			op, data, err := s.next()
			if err != nil {
				var ce *protocol.CloseError
				if !errors.As(err, &ce) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Fatalf("a new kind of error: %v", err)
				}
				break
			}
			if len(data) > max(limit, ws.MaxControlFramePayloadSize) {
				t.Fatalf("opcode %d with %d bytes", op, len(data))
			}
			if op == ws.OpClose {
				if e, err := parseClose(data); err == nil && e.Code != protocol.CloseNoCode && !validCode(e.Code) {
					t.Fatalf("close code %d", e.Code)
				}
			}
		}
		s.in = input{conn: sent{bytes: bytes.NewReader(in)}}
		s.drain()
	})
}

func updateFrame(data []byte) *outbox.Frame {
	return newFrame(plain, &event.Output{Message: protocol.Message{Type: protocol.Update, Data: data}})
}

// Frames that are built by hand equal those of the library.
func TestFrames(t *testing.T) {
	for _, n := range []int{0, 1, 125, 126, 127, 0xffff, 0x10000, 1 << 20} {
		payload := bytes.Repeat([]byte{7}, n)
		if got, want := encode(ws.OpBinary, payload), ws.MustCompileFrame(ws.NewBinaryFrame(payload)); !bytes.Equal(got, want) {
			t.Errorf("%d bytes: header %x", n, got[:min(len(got), 10)])
		}
		f := updateFrame(payload)
		want := plain.Append(nil, protocol.Message{Type: protocol.Update, Data: payload})
		if got := slices.Concat(f.Head, f.Body); !bytes.Equal(got, ws.MustCompileFrame(ws.NewBinaryFrame(want))) {
			t.Errorf("%d bytes: an update's header is %x", n, got[:min(len(got), 10)])
		}
	}
}

// written is the other end of a socket. It records the bytes of each write.
type written struct {
	net.Conn
	writes [][]byte
}

func (w *written) Write(b []byte) (int, error) {
	w.writes = append(w.writes, bytes.Clone(b))
	return len(b), nil
}

// Small frames share a write, and large ones take few.
func TestWrites(t *testing.T) {
	frames := func(sizes ...int) (fs []*outbox.Frame, all []byte) {
		for i, n := range sizes {
			f := updateFrame(bytes.Repeat([]byte{byte(i)}, n))
			fs = append(fs, f)
			all = append(append(all, f.Head...), f.Body...)
		}
		return fs, all
	}
	for _, tc := range []struct {
		sizes []int
		most  int
	}{
		{[]int{0}, 1},
		{[]int{dataCopied}, 1},
		{[]int{dataCopied + 1}, 1},
		{[]int{30, dataCopied, 2 * dataCopied, 30}, 1},
		{[]int{1 << 20}, 1<<20/writeStep + 1},
		{[]int{30, 1 << 20, 30}, 1<<20/writeStep + 2},
	} {
		fs, all := frames(tc.sizes...)
		w := &written{}
		s := &socket{consumer: &Consumer{}, in: input{conn: w}, batch: fs}
		if err := s.writeBatch(); err != nil {
			t.Fatal(err)
		}
		if len(w.writes) > tc.most || !bytes.Equal(bytes.Join(w.writes, nil), all) {
			t.Errorf("%v: %d writes, want at most %d, with %d bytes, want %d", tc.sizes, len(w.writes), tc.most, len(bytes.Join(w.writes, nil)), len(all))
		}
		if s.moved.Load() != 0 {
			t.Errorf("%v: the write has not ended", tc.sizes)
		}
		for _, tried := range []int{1, len(all) / 2, len(all) - 1} {
			w.writes = nil
			s.tried = tried
			if err := s.writeBatch(); err != nil {
				t.Fatal(err)
			}
			if rest := bytes.Join(w.writes, nil); !bytes.Equal(rest, all[tried:]) {
				t.Errorf("%v: after %d of %d bytes, %d others are written", tc.sizes, tried, len(all), len(rest))
			}
		}
	}
}

func TestCloseFrames(t *testing.T) {
	for _, tc := range []struct {
		in   protocol.CloseError
		want string
	}{
		{protocol.CloseError{Code: 1008, Reason: "no"}, "\x88\x04\x03\xf0no"},
		{protocol.CloseError{Code: 1005}, "\x88\x00"},
		{protocol.CloseError{Code: 1006, Reason: "x"}, "\x88\x03\x03\xf3x"},
		{protocol.CloseError{Code: 1000, Reason: "\xff"}, "\x88\x05\x03\xe8\uFFFD"},
		{protocol.CloseError{Code: 1000, Reason: strings.Repeat("x", 124)}, "\x88\x7d\x03\xe8" + strings.Repeat("x", 123)},
		{protocol.CloseError{Code: 1000, Reason: strings.Repeat("x", 122) + "ä"}, "\x88\x7c\x03\xe8" + strings.Repeat("x", 122)},
		{protocol.CloseError{Code: 1000, Reason: strings.Repeat("x", 121) + "äy"}, "\x88\x7d\x03\xe8" + strings.Repeat("x", 121) + "ä"},
	} {
		if got := string(newClose(tc.in).Head); got != tc.want {
			t.Errorf("%v: %q, want %q", tc.in, got, tc.want)
		}
	}
}
