package memstore

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/yroom/yroom/store"
)

// packBytes is the least size of data that is compressed. Keystrokes are smaller, and most
// documents are larger and compress to about half.
const packBytes = 4 << 10

// packed is an entry of a log. Data is compressed if its length differs from size. It is never
// written to.
type packed struct {
	store.Entry

	size int // length of the data that isn't compressed
}

// pack returns e as the store keeps it: with a copy of the data, compressed if that saves an
// eighth at least.
func pack(e store.Entry) packed {
	p := packed{e, len(e.Data)}
	if p.size >= packBytes {
		if small := deflate(e.Data); len(small) < p.size-p.size/8 {
			p.Data = small
			return p
		}
	}
	p.Data = slices.Clone(e.Data)
	return p
}

// unpack returns the entry. The caller owns the data.
func (p *packed) unpack() store.Entry {
	e := p.Entry
	if len(p.Data) == p.size {
		e.Data = slices.Clone(p.Data)
		return e
	}
	e.Data = make([]byte, p.size)
	if _, err := io.ReadFull(flate.NewReader(bytes.NewReader(p.Data)), e.Data); err != nil {
		panic("memstore: " + err.Error()) // deflate has written it
	}
	return e
}

// compressors holds *flate.Writer, each of which takes about a megabyte.
var compressors = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // only an unknown level is an error
	return w
}}

// deflate returns data compressed.
func deflate(data []byte) []byte {
	w := compressors.Get().(*flate.Writer)
	var out bytes.Buffer
	w.Reset(&out)
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil { // out takes all that is written
		panic("memstore: " + err.Error())
	}
	w.Reset(io.Discard) // so that it doesn't keep out
	compressors.Put(w)
	return bytes.Clone(out.Bytes()) // without the spare room of out
}
