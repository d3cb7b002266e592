package consumer

import (
	"bufio"
	"bytes"
	"compress/flate"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/protocol"
)

// pack compresses a message as a client does.
func pack(data []byte) []byte {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestCompression) // the level is known
	_, _ = w.Write(data)                                 // a Buffer takes everything
	_ = w.Flush()
	return out.Bytes()[:out.Len()-len(flushed)]
}

// unpack is the reverse of pack.
func unpack(t *testing.T, data []byte) []byte {
	t.Helper()
	out, err := io.ReadAll(flate.NewReader(io.MultiReader(bytes.NewReader(data), strings.NewReader(packedTail))))
	if err != nil {
		t.Fatalf("what the server has compressed can't be inflated: %v", err)
	}
	return out
}

// An offer is accepted or declined as RFC 7692 says.
func TestOffers(t *testing.T) {
	const accepted = "permessage-deflate;server_no_context_takeover;client_no_context_takeover"
	for _, tc := range []struct {
		offers []string
		want   string
	}{
		{nil, ""},
		{[]string{"permessage-deflate"}, accepted},
		{[]string{"permessage-deflate; client_max_window_bits"}, accepted}, // of ws in Node.js and of Chromium
		{[]string{"permessage-deflate; client_max_window_bits=9"}, accepted},
		{[]string{`permessage-deflate; client_max_window_bits="15"`}, accepted},
		{[]string{"permessage-deflate; server_no_context_takeover; client_no_context_takeover"}, accepted},
		{[]string{"permessage-deflate; server_max_window_bits=15"}, accepted + ";server_max_window_bits=15"},
		{[]string{"permessage-deflate; server_max_window_bits=10"}, ""},
		{[]string{"permessage-deflate; server_max_window_bits=10, permessage-deflate"}, accepted},
		{[]string{"permessage-deflate; server_max_window_bits=10", "permessage-deflate; client_max_window_bits"}, accepted},
		{[]string{"permessage-deflate, permessage-deflate; server_max_window_bits=15"}, accepted},
		{[]string{"permessage-bzip2, permessage-deflate"}, accepted},
		{[]string{"permessage-bzip2"}, ""},
		{[]string{"permessage-deflate; server_max_window_bits"}, ""},
		{[]string{"permessage-deflate; server_max_window_bits=16"}, ""},
		{[]string{"permessage-deflate; client_max_window_bits=7"}, ""},
		{[]string{"permessage-deflate; client_max_window_bits=010"}, ""},
		{[]string{"permessage-deflate; client_max_window_bits; client_max_window_bits"}, ""},
		{[]string{"permessage-deflate; client_no_context_takeover=1"}, ""},
		{[]string{"permessage-deflate; window=1"}, ""},
		{[]string{"permessage-deflate; window=1, permessage-deflate"}, accepted},
	} {
		for mode, want := range map[Compression]string{CompressionOff: "", CompressionAnswers: tc.want, CompressionAll: tc.want} {
			withHarness(t, Config{Compression: mode}, func(t *testing.T, h *harness) {
				if got := h.extensions(tc.offers); got != want {
					t.Errorf("%v, %s: answered with %q, want %q", tc.offers, compressions[mode], got, want)
				}
			})
		}
	}
}

// extensions returns the header with which offers are answered.
func (h *harness) extensions(offers []string) string {
	h.t.Helper()
	conn, err := h.pipes.dial(context.Background(), "", "")
	if err != nil {
		h.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	r, err := http.NewRequest(http.MethodGet, "http://yroom.test/doc", http.NoBody)
	if err != nil {
		h.t.Fatal(err)
	}
	r.Header = http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
		"Sec-Websocket-Extensions": offers,
	}
	if err := r.Write(conn); err != nil {
		h.t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), r)
	if err != nil {
		h.t.Fatal(err)
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		h.t.Errorf("%v: status %d", offers, response.StatusCode)
	}
	return strings.ReplaceAll(response.Header.Get("Sec-WebSocket-Extensions"), "; ", ";")
}

func unhexed(s string) string {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return string(b)
}

const compressedBinary = 0x82 | compressedBit

// Compressed messages are read as RFC 7692 says.
func TestCompressedMessages(t *testing.T) {
	const limit = 1 << 20
	hello := unhexed("f2 48 cd c9 c9 07 00")
	again := strings.Repeat("again and ", 100)
	noise := make([]byte, 100<<10)
	rand.NewChaCha8([32]byte{}).Read(noise)
	large := masked(compressedBinary, []byte{127, 0, 0, 0, 0, 0, 1, 0, 0}, string(make([]byte, 1<<16)))
	for name, tc := range map[string]struct {
		bytes []byte
		want  string
		code  protocol.CloseCode // 0: the message is read
	}{
		"a block":                       {short(compressedBinary, hello), "Hello", 0},
		"without compression":           {short(0x82, "Hello"), "Hello", 0},
		"a stored block":                {short(compressedBinary, unhexed("00 05 00 fa ff 48 65 6c 6c 6f 00")), "Hello", 0},
		"a last block":                  {short(compressedBinary, unhexed("f3 48 cd c9 c9 07 00 00")), "Hello", 0},
		"two blocks":                    {short(compressedBinary, unhexed("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")), "Hello", 0},
		"two last blocks":               {short(compressedBinary, unhexed("f3 48 cd c9 c9 07 00")+hello), "HelloHello", 0},
		"nothing":                       {short(compressedBinary, "\x00"), "", 0},
		"repetitions":                   {short(compressedBinary, string(pack([]byte(again)))), again, 0},
		"noise":                         {compressedFrame(true, pack(noise)), string(noise), 0},
		"as large as the limit":         {compressedFrame(true, pack(make([]byte, limit))), string(make([]byte, limit)), 0},
		"fragments":                     {slices.Concat(short(0x02|compressedBit, hello[:3]), short(0x89, "ping"), short(0x00, ""), short(0x80, hello[3:])), "Hello", 0},
		"a message follows":             {slices.Concat(short(0x02|compressedBit, hello[:3]), short(0x80, hello[3:]), short(0x82, "world")), "Hello", 0},
		"bad UTF-8 in a text":           {short(0x81|compressedBit, string(pack([]byte("\xff")))), "", 1007},
		"the bit on a later fragment":   {append(short(0x02|compressedBit, hello[:3]), short(0x80|compressedBit, hello[3:])...), "", 1002},
		"the bit on a ping":             {short(0x89|compressedBit, ""), "", 1002},
		"the bit on a close":            {short(0x88|compressedBit, ""), "", 1002},
		"bit 2":                         {short(0xe2, hello), "", 1002},
		"bit 3":                         {short(0xd2, hello), "", 1002},
		"a new message in one":          {append(short(0x02, "x"), short(compressedBinary, hello)...), "", 1002},
		"no block":                      {short(compressedBinary, ""), "", 1007},
		"half a block":                  {short(compressedBinary, hello[:3]), "", 1007},
		"half a stored block":           {short(compressedBinary, unhexed("00 ff 00 00 ff 48")), "", 1007},
		"an unknown kind of block":      {short(compressedBinary, "\x06"), "", 1007},
		"what is before the message":    {short(compressedBinary, unhexed("02 83 00")), "", 1007},
		"a last block without its byte": {short(compressedBinary, unhexed("f3 48 cd c9 c9 07 00")), "", 1007},
		"larger than the limit":         {compressedFrame(true, pack(make([]byte, limit+1))), "", 1009},
		"a bomb":                        {compressedFrame(true, pack(make([]byte, 100<<20))), "", 1009},
		"last blocks without end":       {compressedFrame(true, bytes.Repeat([]byte{0x03, 0x00}, 10_000)), "", 1009},
		"too large before it inflates":  {append(short(0x02|compressedBit, ""), bytes.Repeat(large, 17)...), "", 1002},
	} {
		t.Run(name, func(t *testing.T) {
			s := reader(limit, tc.bytes)
			s.deflates = true
			var op ws.OpCode
			var data []byte
			err := error(nil)
			for op = ws.OpPing; op == ws.OpPing && err == nil; {
				op, data, err = s.next()
			}
			var broke *protocol.CloseError
			switch {
			case tc.code == 0 && (err != nil || op != ws.OpBinary || string(data) != tc.want):
				t.Errorf("got opcode %d with %.20q, %d bytes, %v", op, data, len(data), err)
			case tc.code == 0 && cap(data) > len(data)+len(data)/4+64:
				t.Errorf("%d bytes are held for a message of %d", cap(data), len(data))
			case tc.code != 0 && (!errors.As(err, &broke) || broke.Code != tc.code):
				t.Errorf("got opcode %d with %d bytes, %v", op, len(data), err)
			}
		})
	}
}

// compressedFrame is a frame of a client that compresses messages.
func compressedFrame(fin bool, payload []byte) []byte {
	f := ws.NewFrame(ws.OpBinary, fin, payload)
	f.Header.Rsv = ws.Rsv(true, false, false)
	return ws.MustCompileFrame(ws.MaskFrame(f))
}

// A message is inflated no further than its limit, and memory for it is reserved first.
func TestBombs(t *testing.T) {
	bomb := compressedFrame(true, pack(make([]byte, 100<<20)))
	allocated := func(memory int64) (bytes uint64, err error) {
		s := reader(1<<20, bomb)
		s.deflates = true
		s.consumer.incoming.limit = memory
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err = s.next()
		runtime.ReadMemStats(&after)
		s.release()
		if used := s.consumer.incoming.used.Load(); used != 0 {
			t.Errorf("%d bytes are still reserved", used)
		}
		return after.TotalAlloc - before.TotalAlloc, err
	}
	if got, err := allocated(defaultMessages); err == nil || got > 4<<20 {
		t.Errorf("%d bytes were allocated: %v", got, err)
	}
	if got, err := allocated(300 << 10); !errors.Is(err, errNoMemory) || got > 1<<20 {
		t.Errorf("with little memory, %d bytes were allocated: %v", got, err)
	}
}

// dialCompressed connects a client whose WebSocket can inflate.
func (h *harness) dialCompressed(path string) *client {
	h.t.Helper()
	header := http.Header{"Sec-Websocket-Extensions": {deflateName}}
	c, err := wsclient.DialOver(context.Background(), h.pipes.dial, "ws://yroom.test"+path, header)
	if err != nil {
		h.t.Fatal(err)
	}
	synctest.Wait()
	return &client{c, h.t}
}

// wantMessage reads one binary message, and expects that it is compressed or not.
func (c *client) wantMessage(t *testing.T, want []byte, compressed bool) {
	t.Helper()
	h, payload, err := c.ReadFrame()
	if err != nil {
		t.Fatal(err)
	}
	size := len(payload)
	if h.Rsv1() {
		payload = unpack(t, payload)
	}
	if h.Rsv1() != compressed || !bytes.Equal(payload, want) {
		t.Errorf("got %.20q, %d bytes in %d, compressed: %v; want %.20q, %d bytes, compressed: %v", payload, len(payload), size, h.Rsv1(), want, len(want), compressed)
	}
}

// What is compressed depends on the Compression, on the size, and on what the client can.
func TestCompression(t *testing.T) {
	text := []byte(strings.Repeat("what people write, they write again and again. ", 200))
	document := protocol.Message{Type: protocol.SyncStep2, Data: text}
	short := protocol.Message{Type: protocol.SyncStep2, Data: text[:dataCopied]}
	update := protocol.Message{Type: protocol.Update, Data: text[:300]}
	key := protocol.Message{Type: protocol.Update, Data: text[:broadcastPacked-1]}
	states := protocol.Message{Type: protocol.Awareness, Data: slices.Concat([]byte{1, 5, 1, 0xbe, 0x02}, bytes.Repeat([]byte("x"), 318))}
	for _, mode := range []Compression{CompressionOff, CompressionAnswers, CompressionAll} {
		t.Run(compressions[mode], func(t *testing.T) {
			cfg := Config{Compression: mode}
			withHarness(t, cfg, func(t *testing.T, h *harness) {
				able := func(path string) *client {
					if mode == CompressionOff {
						return h.dial(path)
					}
					return h.dialCompressed(path)
				}
				clients := []*client{able("/doc"), h.dial("/doc")}
				synctest.Wait()
				for _, id := range h.worker.conns() {
					h.worker.output("doc", id, 1, document)
					h.worker.output("doc", id, 1, short)
				}
				h.worker.output("doc", event.Everyone, 2, update)
				h.worker.output("doc", event.Everyone, 3, key)
				h.worker.output("doc", event.Everyone, 3, states)
				for i, c := range clients {
					answers, all := i == 0 && mode != CompressionOff, i == 0 && mode == CompressionAll
					c.wantMessage(t, plain.Append(nil, document), answers)
					c.wantMessage(t, plain.Append(nil, short), false)
					c.wantMessage(t, plain.Append(nil, update), all)
					c.wantMessage(t, plain.Append(nil, key), false)
					c.wantMessage(t, plain.Append(nil, states), all)
					c.close()
				}
			})
		})
	}
}

// The frames of one message share its compressed data, whatever their dialect. What doesn't
// become smaller is sent as it is.
func TestPackedOnce(t *testing.T) {
	c := &Consumer{compressors: newCompressors()}
	c.cfg.Compression = CompressionAll
	o := &event.Output{Message: protocol.Message{Type: protocol.Update, Data: bytes.Repeat([]byte("again "), 10_000)}}
	p := c.packing(o)
	var first *byte
	for i, d := range []dialect{plain, protocol.Hocuspocus{Address: "doc"}, protocol.Hocuspocus{Address: strings.Repeat("x", maxAddress)}} {
		f := c.frame(d, o, p).Compressed()
		if first == nil {
			first = &f.Body[0]
		}
		if &f.Body[0] != first {
			t.Error("the message was compressed twice")
		}
		want := d.AppendHead(nil, o.Message)
		got := unpack(t, slices.Concat(f.Head[len(f.Head)-5-len(want):], f.Body))
		if !bytes.Equal(got, append(want, o.Message.Data...)) {
			t.Errorf("dialect %d: inflated to %d bytes", i, len(got))
		}
	}
	noise := make([]byte, 1000)
	rand.NewChaCha8([32]byte{}).Read(noise)
	o = &event.Output{Message: protocol.Message{Type: protocol.Update, Data: noise}}
	if f := c.frame(plain, o, c.packing(o)); f.Compressed() != f {
		t.Error("noise is sent compressed")
	}
}

func FuzzInflate(f *testing.F) {
	f.Add([]byte(unhexed("f2 48 cd c9 c9 07 00")))
	f.Add([]byte(unhexed("f3 48 cd c9 c9 07 00 00")))
	f.Add([]byte(unhexed("00 05 00 fa ff 48 65 6c 6c 6f 00")))
	f.Add(pack(bytes.Repeat([]byte("abc"), 100)))
	f.Fuzz(func(t *testing.T, in []byte) {
		const limit = 1 << 16
		s := reader(limit, nil)
		got, err := s.inflate(in)
		var broke *protocol.CloseError
		switch {
		case err != nil && !errors.As(err, &broke):
			t.Fatalf("a new kind of error: %v", err)
		case len(got) > limit:
			t.Fatalf("%d bytes", len(got))
		}
		// A message with one last block at most, which is the last, is what flate takes it for.
		whole := io.MultiReader(bytes.NewReader(in), strings.NewReader(packedTail))
		if want, wrong := io.ReadAll(io.LimitReader(flate.NewReader(whole), limit+1)); err == nil && (wrong != nil || !bytes.HasPrefix(got, want)) {
			t.Fatalf("got %d bytes, want %d, %v", len(got), len(want), wrong)
		}
		if len(in) <= limit {
			if again, err := s.inflate(pack(in)); err != nil || !bytes.Equal(again, in) {
				t.Fatalf("what was compressed inflates to %d bytes, %v; want %d", len(again), err, len(in))
			}
		}
	})
}
