package protocol

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var doc = Hocuspocus{Address: "doc"}

// address is "doc" on the wire.
const address = "03 646f63 "

// readOne reads the address and the message of a frame.
func readOne(frame []byte) (addr string, m Message, ok bool, err error) {
	a, body, err := ReadAddress(frame)
	if err != nil {
		return "", m, false, err
	}
	m, rest, ok, err := Hocuspocus{}.Next(body)
	if len(rest) > 0 {
		return "", m, ok, errors.New("a frame has more than one message")
	}
	return string(a), m, ok, err
}

// What @hocuspocus/provider 4.8.0 and @hocuspocus/server 4.7.0 send each other.
func TestHocuspocusTranscript(t *testing.T) {
	update := unhex(t, "010107000401017402686900")
	for frame, want := range map[string]Message{
		"00 00 01 00":                                 {Type: SyncStep1, Data: []byte{0}},
		"00 01 02 0000":                               {Type: SyncStep2, Data: []byte{0, 0}},
		"00 02 0c 010107000401017402686900":           {Type: Update, Data: update},
		"01 06 01 07 00 02 7b7d":                      {Type: Awareness, Data: []byte{1, 7, 0, 2, '{', '}'}},
		"01 10 01 07 01 0c 7b2275736572223a2241227d ": {Type: Awareness, Data: unhex(t, "0107010c7b2275736572223a2241227d")},
		"05 02 796f":                                  {Type: Stateless, Data: []byte("yo")},
	} {
		addr, got, ok, err := readOne(unhex(t, address+frame))
		if addr != "doc" || !ok || err != nil {
			t.Errorf("%s: %q, %v, %v", frame, addr, ok, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", frame, diff)
		}
		again := doc.AppendHead(nil, want)
		if len(again) > doc.HeadSize() {
			t.Errorf("%s: the head takes %d bytes, more than HeadSize", frame, len(again))
		}
		if again = append(again, want.Data...); !bytes.Equal(again, unhex(t, address+frame)) {
			t.Errorf("%s: written as %x", frame, again)
		}
	}
	for frame, got := range map[string][]byte{
		"02 02 0a 726561642d7772697465":          doc.AppendHead(nil, Message{Type: ReadWrite}),
		"02 02 08 726561646f6e6c79":              doc.AppendHead(nil, Message{Type: ReadOnly}),
		"02 01 02 6e6f":                          doc.AppendDenied(nil, "no"),
		"02 00":                                  doc.AppendTokenRequest(nil),
		"03":                                     doc.AppendHead(nil, Message{Type: QueryAwareness}),
		"08 01":                                  doc.AppendHead(nil, Message{Type: Ack, Count: 1}),
		"08 00":                                  doc.AppendHead(nil, Message{Type: Reject, Count: 1}),
		"07 10 526573657420436f6e6e656374696f6e": doc.AppendHead(nil, (&CloseError{Code: CloseReset, Reason: "Reset Connection"}).Message()),
		"07 12 70726f76696465725f696e69746961746564": doc.AppendHead(nil, (&CloseError{Reason: "provider_initiated"}).Message()),
		"01 01 00": doc.Keepalive(),
	} {
		if want := unhex(t, address+frame); !bytes.Equal(got, want) {
			t.Errorf("%x, want %x", got, want)
		}
	}
	if got := doc.AppendHead([]byte{1}, Message{}); len(got) != 1 {
		t.Errorf("a message of no type was written as %x", got)
	}
}

func TestHocuspocusAuth(t *testing.T) {
	for frame, c := range map[string]struct {
		want Auth
		ok   bool
		err  string
	}{
		"02 00 03 746f6b 05 342e382e30": {Auth{"tok", "4.8.0"}, true, ""},
		"02 00 03 746f6b":               {Auth{"tok", ""}, true, ""},
		"02 00 00":                      {Auth{}, true, ""},
		"02":                            {Auth{}, true, "protocol: malformed message: token: input ends too early"},
		"02 00":                         {Auth{}, true, "protocol: malformed message: token: input ends too early"},
		"02 00 01 ff":                   {Auth{}, true, "protocol: malformed message: token: string is not valid UTF-8"},
		"02 00 00 05 34":                {Auth{}, true, "protocol: malformed message: token: input ends too early"},
		"02 02 00":                      {},
		"00 00 01 00":                   {},
		"":                              {},
		"80":                            {},
	} {
		got, ok, err := ReadAuth(unhex(t, frame))
		says := ""
		if err != nil {
			says = err.Error()
		}
		if got != c.want || ok != c.ok || ok != IsAuth(unhex(t, frame)) || says != c.err {
			t.Errorf("%s: %+v, %v, %q", frame, got, ok, says)
		}
		// A room has no use for it.
		if _, _, isMessage, err := (Hocuspocus{}).Next(unhex(t, frame)); ok && (isMessage || err != nil) {
			t.Errorf("%s: a message, %v", frame, err)
		}
	}
}

func TestHocuspocusNext(t *testing.T) {
	for name, c := range map[string]struct {
		frame string
		want  Message
		ok    bool
		err   string
	}{
		"session":           {"0e 646f6300 30313233343536373839 07", Message{Type: Close}, true, ""},
		"no name":           {"00 07", Message{Type: Close}, true, ""},
		"query":             {address + "03", Message{Type: QueryAwareness}, true, ""},
		"more than one":     {address + "03 03", Message{Type: QueryAwareness}, true, ""},
		"between servers":   {address + "04 00 01 00", Message{}, false, ""},
		"status":            {address + "08 01", Message{}, false, ""},
		"ping":              {address + "09", Message{}, false, ""},
		"unknown":           {address + "7f 00", Message{}, false, ""},
		"nothing":           {address, Message{}, false, ""},
		"half a type":       {address + "80", Message{}, false, "type: input ends too early"},
		"broadcast":         {address + "06 02 796f", Message{}, false, "stateless broadcast: only servers send it"},
		"sync":              {address + "00", Message{}, false, "sync message: input ends too early"},
		"unknown sync":      {address + "00 03 00", Message{}, false, "sync message: its type is not known"},
		"update, cut":       {address + "00 02 02 00", Message{}, false, "update: input ends too early"},
		"stateless, UTF-8":  {address + "05 01 ff", Message{}, false, "stateless message: string is not valid UTF-8"},
		"no address":        {"", Message{}, false, "address: input ends too early"},
		"address, cut":      {"05 646f63", Message{}, false, "address: input ends too early"},
		"address, UTF-8":    {"01 ff 03", Message{}, false, "address: string is not valid UTF-8"},
		"address, too long": {"ffffffffffffffffff", Message{}, false, "address: integer is larger than 2^53-1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, got, ok, err := readOne(unhex(t, c.frame))
			if diff := cmp.Diff(c.want, got); diff != "" || ok != c.ok {
				t.Errorf("%v (-want +got)\n%s", ok, diff)
			}
			switch {
			case err == nil && c.err != "", err != nil && !strings.HasSuffix(err.Error(), c.err):
				t.Errorf("error %v, want %q", err, c.err)
			case err != nil && !errors.Is(err, ErrMalformed):
				t.Errorf("%v is not an ErrMalformed", err)
			}
		})
	}
}

func TestHocuspocusAllocatesNothing(t *testing.T) {
	frame, dst := unhex(t, address+"00 02 02 00 00"), make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		_, body, err := ReadAddress(frame)
		m, _, ok, _ := Hocuspocus{}.Next(body)
		if err != nil || !ok || len(doc.AppendHead(dst, m)) == 0 {
			t.Fatal(ok, err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzHocuspocus(f *testing.F) {
	for _, s := range []string{"00000100", "0002020000", "0106010700027b7d", "03", "0200037463740000", "0502796f", "0602796f", "07", "0801", "000300", "ff"} {
		f.Add(unhex(f, address+s))
	}
	f.Add([]byte{9})
	f.Fuzz(func(t *testing.T, frame []byte) {
		addr, body, err := ReadAddress(frame)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if _, isAuth, err := ReadAuth(body); err != nil && (!isAuth || !errors.Is(err, ErrMalformed)) {
			t.Fatal(isAuth, err)
		}
		m, rest, ok, err := Hocuspocus{}.Next(body)
		if err != nil && !errors.Is(err, ErrMalformed) || ok && err != nil || len(rest) > 0 {
			t.Fatal(ok, rest, err)
		}
		if !ok || m.Type == QueryAwareness || m.Type == Close {
			return
		}
		// What was read can be written and read again.
		d := Hocuspocus{Address: string(addr)}
		head := d.AppendHead(nil, m)
		if len(head) > d.HeadSize() {
			t.Fatalf("a head of %d bytes", len(head))
		}
		address, again, ok, err := readOne(append(head, m.Data...))
		if address != string(addr) || !ok || err != nil || again.Type != m.Type || !bytes.Equal(again.Data, m.Data) {
			t.Fatalf("%q %v %v: %+v became %+v", address, ok, err, m, again)
		}
	})
}
