package memstore

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/yroom/yroom/store"
)

func TestPack(t *testing.T) {
	random := make([]byte, 2*packBytes)
	for i := range random {
		random[i] = byte(rand.Uint32())
	}
	text := bytes.Repeat([]byte("a document "), packBytes)
	for name, test := range map[string]struct {
		data []byte
		most int // how many bytes are kept
	}{
		"nothing":      {nil, 0},
		"empty":        {[]byte{}, 0},
		"a keystroke":  {text[:30], 30},
		"a document":   {text, len(text) / 8},
		"random bytes": {random, len(random)},
	} {
		t.Run(name, func(t *testing.T) {
			given := bytes.Clone(test.data)
			p := pack(store.Entry{Encoding: store.V1, By: "ann", Data: given})
			clear(given) // pack has made a copy
			if len(p.Data) > test.most || p.size != len(test.data) {
				t.Errorf("%d bytes were packed into %d, with size %d; want at most %d", len(test.data), len(p.Data), p.size, test.most)
			}
			for range 2 {
				e := p.unpack()
				if !bytes.Equal(e.Data, test.data) || (e.Data == nil) != (test.data == nil) || e.By != "ann" {
					t.Errorf("%d bytes are read, which differ", len(e.Data))
				}
				clear(e.Data) // the caller owns it
			}
		})
	}
}
