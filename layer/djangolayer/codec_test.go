package djangolayer

import (
	"bytes"
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/event"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// channelName is that of a socket in recorded messages.
const channelName = "specific.fb37d5276d87859ab478ad3e2601353a!d1336344444646eb6bc286943a4c4dc3"

// What channels_redis 4.3.0 writes for a consumer of channels-yroom 0.0.6, with an options map
// of the app's own in two of them.
func TestReadMessage(t *testing.T) {
	const channel = "ac6368616e6e656c5f6e616d65d94a73706563696669632e6662333764353237366438373835396162343738616433653236303133353361216431333336333434343434363436656236626332383639343361346334646333"
	for name, c := range map[string]struct {
		entry string
		want  message
	}{
		"connect": {
			"85a474797065a7636f6e6e656374a4726f6f6da973686f72742e646f63a7636f6e6e5f6964cf54b366b9a4171791" + channel + "a76f7074696f6e7382ab616c6c6f775f7772697465c2b5616c6c6f775f77726974655f61776172656e657373c3",
			message{typ: typeConnect, room: "short.doc", channel: channelName, access: event.AccessPresent, hasAccess: true},
		},
		"message": {
			"85a474797065a76d657373616765a4726f6f6da973686f72742e646f63a7636f6e6e5f6964cf43875207b1596548" + channel + "a77061796c6f6164c40400000100",
			message{typ: typeMessage, room: "short.doc", channel: channelName, payload: []byte{0, 0, 1, 0}, access: 0},
		},
		"rpc": {
			"85a474797065a3727063a4726f6f6da973686f72742e646f63" + channel + "a66d6574686f64ab6578706f72745f74657874a6706172616d7391a174",
			message{typ: typeRPC, room: "short.doc", channel: channelName, method: "export_text", param: "t"},
		},
	} {
		got, err := codec{prefix: randomPrefix}.read(append(make([]byte, randomPrefix), unhex(t, c.entry)...))
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(message{})); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

// value returns v as msgpack.
func value(v any) []byte {
	switch v := v.(type) {
	case string:
		return appendString(nil, v)
	case []byte:
		return appendBytes(nil, v)
	case bool:
		if v {
			return []byte{0xc3}
		}
		return []byte{0xc2}
	case int:
		return []byte{byte(v)}
	case []any:
		b := appendArray(nil, len(v))
		for _, e := range v {
			b = append(b, value(e)...)
		}
		return b
	case dict:
		b := appendMap(nil, len(v)/2)
		for _, e := range v {
			b = append(b, value(e)...)
		}
		return b
	}
	return appendNil(nil)
}

// dict is a map: keys and values in turn.
type dict []any

func TestReadOptions(t *testing.T) {
	for name, c := range map[string]struct {
		options any
		want    event.Access
		given   bool
	}{
		"none":    {nil, everything, false},
		"empty":   {dict{}, everything, true},
		"hidden":  {dict{"allow_write", true, "allow_write_awareness", false}, event.AccessWrite, true},
		"nothing": {dict{"allow_write", false, "allow_write_awareness", false, "other", []any{1}}, event.AccessRead, true},
	} {
		got, err := readMessage(value(dict{"type", "connect", "room", "r", "channel_name", "c!d", "options", c.options}))
		if got.access != c.want || got.hasAccess != c.given || err != nil {
			t.Errorf("%s: %v, %v, %v", name, got.access, got.hasAccess, err)
		}
	}
}

func TestReadMessageRefuses(t *testing.T) {
	with := func(change dict) []byte {
		all := dict{"type", "message", "room", "r", "channel_name", "c!d", "payload", []byte{0}, "method", "m", "params", []any{"p"}, "options", dict{}}
		var sent dict
		for i := 0; i < len(all); i += 2 {
			v := all[i+1]
			if change[0] == all[i] {
				if len(change) == 1 {
					continue
				}
				v = change[1]
			}
			sent = append(sent, all[i], v)
		}
		return value(sent)
	}
	for words, data := range map[string][]byte{
		"msgpack ends too early":                         with(dict{"none"})[:20],
		"not a map":                                      {0x90},
		"2 bytes follow the message":                     append(with(dict{"none"}), 0, 0),
		"has no type connect":                            with(dict{"type", "export"}),
		"type is a number, not a string":                 with(dict{"type", 1}),
		"no group of this name":                          with(dict{"room"}),
		"dots: \"a b\"":                                  with(dict{"room", "a b"}),
		"room is bytes, not a string":                    with(dict{"room", []byte("r")}),
		"no channel of this name":                        with(dict{"channel_name"}),
		"of this name: \"a!b!c\"":                        with(dict{"channel_name", "a!b!c"}),
		"has no payload":                                 with(dict{"payload"}),
		"payload is a string, not bytes":                 with(dict{"payload", "text"}),
		"payload is nil, not bytes":                      with(dict{"payload", nil}),
		"params is not an array of one string":           with(dict{"params", []any{"a", "b"}}),
		"params is a number, not a string":               with(dict{"params", []any{1}}),
		"options is a boolean, not a map":                with(dict{"options", true}),
		"allow_write is a string, not a boolean":         with(dict{"options", dict{"allow_write", "no"}}),
		"allow_write_awareness is nil, not a boolean":    with(dict{"options", dict{"allow_write_awareness", nil}}),
		"an option is a number, not a string":            with(dict{"options", dict{1, 2}}),
		"a key is a number, not a string":                value(dict{1, 2}),
		"not valid UTF-8":                                with(dict{"room", "\xff"}),
		"a byte 0xc1":                                    append(append([]byte{0x81}, value("other")...), 0xc1),
		"nested too deeply":                              append(append([]byte{0x81}, value("other")...), bytes.Repeat([]byte{0x91}, 100_000)...),
		"the call has no method":                         value(dict{"type", "rpc", "room", "r", "channel_name", "c", "params", []any{"t"}}),
		"params is not an array of one string ":          value(dict{"type", "rpc", "room", "r", "channel_name", "c", "method", "m"}),
		"msgpack ends too early ":                        {0xdf, 0xff, 0xff, 0xff, 0xff},
		"msgpack ends too early  ":                       append(append([]byte{0x81}, value("x")...), 0xdd, 0xff, 0xff, 0xff, 0xff),
		"msgpack ends too early   ":                      append(append([]byte{0x81}, value("x")...), 0xc6, 0xff, 0xff, 0xff, 0xff),
		"msgpack ends too early    ":                     append(append([]byte{0x81}, value("x")...), 0xc9, 0xff, 0xff, 0xff, 0xff),
		"the name of a room is 1 to 99 letters, digits,": with(dict{"room", strings.Repeat("a", 100)}),
	} {
		if m, err := readMessage(data); err == nil || !strings.Contains(err.Error(), strings.TrimSpace(words)) {
			t.Errorf("want %q, got %+v, %v", words, m, err)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "a-b_C.9": true, "٣": true, strings.Repeat("a", 99): true,
		"": false, "a b": false, "a/b": false, "é": false, "a\n": false, "a!": false, strings.Repeat("a", 100): false,
	} {
		if err := checkRoom(name); (err == nil) != want {
			t.Errorf("room %q: %v", name, err)
		}
	}
	for name, want := range map[string]bool{
		"yroom": true, "specific.0a!9f": true, "a!": true, "a!é": true, "!b": false, "a!b!c": false, "a!b c": false, "": false,
	} {
		if err := checkChannel(name); (err == nil) != want {
			t.Errorf("channel %q: %v", name, err)
		}
	}
	if got := nonLocal("specific.a!b"); got != "specific.a!" {
		t.Error(got)
	}
	for name, want := range map[string][]int{ // as channels_redis 4.3.0 computes it
		"room.1": {0, 1, 2, 3}, "asgi__group__x": {0, 0, 0, 0}, "specific.abc!": {0, 1, 2, 4}, "yroom": {0, 1, 2, 3},
	} {
		var got []int
		for _, hosts := range []int{1, 2, 3, 5} {
			got = append(got, hostOf(name, hosts))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestWriteAnswer(t *testing.T) {
	hi := "hi"
	for want, got := range map[string][]byte{
		"83a474797065af666f72776172645f7061796c6f6164a87061796c6f61647391c4020001b05f5f617367695f6368616e6e656c5f5f91a3612162": answer{typ: typeForward, payload: []byte{0, 1}}.append(nil, []string{"a!b"}),
		"82a474797065ac7270635f726573706f6e7365a6726573756c74a26869":                                                           answer{typ: typeResponse, result: &hi}.append(nil, nil),
		"82a474797065ac7270635f726573706f6e7365a6726573756c74c0":                                                               answer{typ: typeResponse}.append(nil, nil),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("%x, want %s", got, want)
		}
	}
	for _, n := range []int{0, 1, 15, 16, 31, 32, 255, 256, math.MaxUint16, math.MaxUint16 + 1} {
		data, names := bytes.Repeat([]byte{7}, n), make([]string, n)
		r := reader{rest: value([]any{string(data), data})}
		if r.expect(kindArray, "") != 2 || r.text("") != string(data) || !bytes.Equal(r.bytes(""), data) || r.err != nil || len(r.rest) > 0 {
			t.Errorf("%d bytes are not read as they were written: %v", n, r.err)
		}
		r = reader{rest: answer{typ: typeForward}.append(nil, names)}
		if r.skip(); r.err != nil || len(r.rest) > 0 {
			t.Errorf("an answer to %d channels: %v", n, r.err)
		}
	}
}

// A token that channels_redis 4.3.0 wrote, and the time.
const (
	token     = "gAAAAABrDR0L_VUvbRt5JDnbzLnn3leOWS71uaxjX1S0pohRm3n3JToLsNRofAolVfRgCFqUzUKm1sN5wbLXZSBa58i-Q2vM74xy7NSMDP2Nh5AHO01u19qr80UXBQa4OEqUvUfG8MhP"
	tokenTime = 1796021515
	tokenKey  = "zweiter schlüssel"
)

func clockAt(seconds int64) func() time.Time {
	return func() time.Time { return time.Unix(seconds, 0) }
}

func TestFernet(t *testing.T) {
	c := newCrypter([]string{"first key", tokenKey}, time.Minute, clockAt(tokenTime+60))
	got, err := codec{crypter: c}.read([]byte(token))
	if diff := cmp.Diff(message{typ: typeConnect, room: "r", channel: "c!d"}, got, cmp.AllowUnexported(message{})); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
	for words, c := range map[string]*crypter{
		"none of the keys":  newCrypter([]string{"first key"}, time.Minute, clockAt(tokenTime)),
		"too long ago":      newCrypter([]string{tokenKey}, time.Minute, clockAt(tokenTime+61)),
		"in the future":     newCrypter([]string{tokenKey}, time.Minute, clockAt(tokenTime-61)),
		"the clocks of the": newCrypter([]string{tokenKey}, time.Minute, clockAt(0)),
	} {
		if _, err := c.decrypt([]byte(token)); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("want %q, got %v", words, err)
		}
	}
	if _, err := newCrypter([]string{tokenKey}, 0, clockAt(0)).decrypt([]byte(token)); err != nil {
		t.Errorf("without a ttl: %v", err)
	}
	for n := range len(token) {
		cut, changed := []byte(token[:n]), []byte(token)
		changed[n] ^= 1
		for _, bad := range [][]byte{cut, changed} {
			if _, err := c.decrypt(bad); err == nil {
				t.Fatalf("%s is decrypted", bad)
			}
		}
	}
	for n := range 50 {
		data := bytes.Repeat([]byte{byte(n)}, n)
		if got, err := c.decrypt(c.encrypt(data)); !bytes.Equal(got, data) || err != nil {
			t.Errorf("%x became %x, %v", data, got, err)
		}
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add(value(dict{"type", "message", "room", "r", "channel_name", "c!d", "payload", []byte{0}, "method", "m", "params", []any{"p"}, "options", dict{"allow_write", true, "x", dict{1, 2}}}))
	f.Add(value(dict{"type", "rpc", "room", "r", "channel_name", "c!d", "method", "m", "params", []any{"p"}}))
	f.Add(unhex(f, "81a474797065cf54b366b9a4171791c70101ffd50102cb4000000000000000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := readMessage(data)
		if err != nil {
			if m.room != "" && m.payload != nil && len(err.Error()) > 1000 {
				t.Fatal(err)
			}
			return
		}
		if checkRoom(m.room) != nil || checkChannel(m.channel) != nil || len(m.payload) > len(data) {
			t.Fatalf("%+v", m)
		}
		for n := range data { // nothing that is cut is taken for a message
			if _, err := readMessage(data[:n]); err == nil {
				t.Fatalf("%x is a message, too", data[:n])
			}
		}
	})
}

func FuzzFernet(f *testing.F) {
	f.Add([]byte(token))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, data []byte) {
		c := newCrypter([]string{"first key", tokenKey}, 0, time.Now)
		if message, err := c.decrypt(data); err == nil && len(message) >= len(data) {
			t.Fatalf("%q became %q", data, message)
		}
		if got, err := c.decrypt(c.encrypt(data)); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%x became %x, %v", data, got, err)
		}
	})
}
