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

// packBytes is the size from which on data is kept compressed: keystrokes are smaller, and
// whole documents larger. A document compresses to about half of its size.
const packBytes = 4 << 10

// packed is an entry of a log. Its data is compressed if that isn't of size bytes, and is never
// written to.
type packed struct {
	store.Entry

	size int // of the data of the entry
}

// pack returns e as the store keeps it. It borrows the data.
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
	w, err := flate.NewWriter(nil, flate.BestSpeed)
	if err != nil { // the level is invalid
		panic(err)
	}
	return w
}}

// deflate returns data compressed.
func deflate(data []byte) []byte {
	w := compressors.Get().(*flate.Writer)
	defer compressors.Put(w)
	var out bytes.Buffer
	w.Reset(&out)
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil { // out takes all that is written
		panic("memstore: " + err.Error())
	}
	return slices.Clip(bytes.Clone(out.Bytes()))
}
