package link

const (
	// largestFrame bounds a frame that is put together from parts, in bytes.
	largestFrame = 1 << 30
	// mostStreams bounds how many frames of a peer are incomplete at a time.
	mostStreams = 1 << 16
	// trusted is how many bytes are allocated for a frame before they arrive.
	trusted = 4 << 20
)

// parts puts frames together again.
type parts struct {
	streams map[uint64]*partial
}

// partial is a frame of which some parts have arrived.
type partial struct {
	kind, size uint64
	data       []byte
}

// add adds a part. When that completes a frame, add returns it and whole is true. It
// reports ok as false if the part contradicts those before.
func (p *parts) add(b []byte) (frame field, whole, ok bool) {
	r := fields{b: b}
	stream, kind, size := r.uvarint(), r.uvarint(), r.uvarint()
	if r.bad || size > largestFrame || kind < firstFrame || kind == framePart {
		return field{}, false, false
	}
	s := p.streams[stream]
	if s == nil {
		if len(p.streams) >= mostStreams {
			return field{}, false, false
		}
		s = &partial{kind: kind, size: size, data: make([]byte, 0, min(size, trusted))}
		if p.streams == nil {
			p.streams = make(map[uint64]*partial)
		}
		p.streams[stream] = s
	}
	if s.kind != kind || s.size != size || uint64(len(r.b)) > size-uint64(len(s.data)) {
		return field{}, false, false
	}
	if len(s.data)+len(r.b) > cap(s.data) { // once, since append would copy the frame several times
		s.data = append(make([]byte, 0, size), s.data...)
	}
	s.data = append(s.data, r.b...)
	if uint64(len(s.data)) < size {
		return field{}, false, true
	}
	delete(p.streams, stream)
	return field{number: kind, bytes: s.data}, true, true
}
