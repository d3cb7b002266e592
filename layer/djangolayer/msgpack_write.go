package djangolayer

import "encoding/binary"

// The functions append msgpack in its shortest form, as msgpack of Python does.

func appendNil(b []byte) []byte { return append(b, 0xc0) }

// appendMap appends the head of a map with up to 15 entries.
func appendMap(b []byte, entries int) []byte { return append(b, 0x80|byte(entries)) }

func appendArray(b []byte, n int) []byte {
	switch {
	case n < 16:
		return append(b, 0x90|byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 0xdc), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, 0xdd), uint32(n))
}

func appendString[T string | []byte](b []byte, s T) []byte {
	if n := len(s); n < 32 {
		b = append(b, 0xa0|byte(n))
	} else {
		b = appendSize(b, 0xd9, n)
	}
	return append(b, s...)
}

func appendBytes(b, data []byte) []byte { return append(appendSize(b, 0xc4, len(data)), data...) }

// appendSize appends a size. first, and the two numbers after it, say that it has one, two
// or four bytes.
func appendSize(b []byte, first byte, n int) []byte {
	switch {
	case n < 1<<8:
		return append(b, first, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, first+1), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, first+2), uint32(n))
}
