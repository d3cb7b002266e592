package blocks

import (
	"fmt"

	"github.com/yroom/yroom/internal/lib0"
)

// fromV2 converts an update from V2 to V1, without bytes after its end. It refuses only
// what it can't convert (ErrMalformed), and updates that take more than about limit bytes
// in V1 (ErrLimit): the result must be checked like any update in V1. Time and memory are
// linear in the size of the update and of the result.
func fromV2(update []byte, limit int) ([]byte, error) {
	d := v2Reader{rest: lib0.NewReader(update), out: make([]byte, 0, 2*len(update)+16), limit: limit}
	if d.rest.Uint() != 0 {
		return nil, malformed("update: not in V2")
	}
	d.keyClocks = d.rest.DiffRuns()
	d.clients = d.rest.UintRuns()
	d.leftClocks = d.rest.DiffRuns()
	d.rightClocks = d.rest.DiffRuns()
	d.infos = d.rest.Runs()
	d.strings = d.rest.Strings()
	d.parentInfos = d.rest.Runs()
	d.typeRefs = d.rest.UintRuns()
	d.lengths = d.rest.UintRuns()
	if d.sections(); d.ok() {
		d.deletions()
	}
	if err := d.rest.Err(); err != nil {
		return nil, malformed("update in V2: %w", err)
	}
	if len(d.out) > limit {
		return nil, fmt.Errorf("%w: an update of %d bytes in V2 would take more than %d bytes in V1", ErrLimit, len(update), limit)
	}
	return d.out, nil
}

// v2Reader converts an update from V2 to V1. It must not be copied, because its
// columns report errors to rest.
type v2Reader struct {
	keyClocks   lib0.DiffRuns
	clients     lib0.UintRuns
	leftClocks  lib0.DiffRuns
	rightClocks lib0.DiffRuns
	infos       lib0.Runs
	strings     lib0.Strings
	parentInfos lib0.Runs
	typeRefs    lib0.UintRuns
	lengths     lib0.UintRuns
	rest        lib0.Reader

	out   []byte
	limit int
	keys  []extent // the keys so far, by number
}

// extent is a range of bytes of v2Reader.out.
type extent struct{ from, to int }

// ok reports whether there is neither an error nor too much output.
func (d *v2Reader) ok() bool { return d.rest.Err() == nil && len(d.out) <= d.limit }

// copyUint copies an integer from rest.
func (d *v2Reader) copyUint() uint64 {
	v := d.rest.Uint()
	d.uint(v)
	return v
}

func (d *v2Reader) uint(v uint64) { d.out = lib0.AppendUint(d.out, v) }

func (d *v2Reader) string() { d.out = d.strings.AppendNext(d.out) }

func (d *v2Reader) sections() {
	for n := d.copyUint(); n > 0 && d.ok(); n-- {
		count := d.copyUint()
		d.uint(d.clients.Uint())
		d.copyUint() // the clock
		for ; count > 0 && d.ok(); count-- {
			d.block()
		}
	}
}

func (d *v2Reader) block() {
	info := d.infos.Byte()
	d.out = append(d.out, info)
	k := kind(info & kindMask)
	switch k {
	case kindGC:
		d.uint(d.lengths.Uint())
		return
	case kindSkip:
		d.copyUint()
		return
	}
	if info&hasOrigin != 0 {
		d.id(&d.leftClocks)
	}
	if info&hasRight != 0 {
		d.id(&d.rightClocks)
	}
	if info&(hasOrigin|hasRight) == 0 {
		named := d.parentInfos.Byte()
		d.out = append(d.out, named)
		switch named {
		case 0:
			d.id(&d.leftClocks)
		case 1:
			d.string()
		default:
			d.rest.Fail(errParent)
		}
		if info&hasKey != 0 {
			d.string()
		}
	}
	d.content(k)
}

// id writes an id, whose clock is in the given column.
func (d *v2Reader) id(column *lib0.DiffRuns) {
	d.uint(d.clients.Uint())
	d.uint(column.Uint())
}

func (d *v2Reader) content(k kind) {
	switch k {
	case kindDeleted:
		d.uint(d.lengths.Uint())
	case kindJSON:
		n := d.lengths.Uint()
		for d.uint(n); n > 0 && d.ok(); n-- {
			d.string()
		}
	case kindBinary:
		d.out = lib0.AppendBytes(d.out, d.rest.Bytes())
	case kindString:
		d.string()
	case kindEmbed:
		d.out = d.rest.AppendJSON(d.out)
	case kindFormat:
		d.key()
		d.out = d.rest.AppendJSON(d.out)
	case kindType:
		t := d.typeRefs.Uint()
		if d.uint(t); t == typeXMLElement || t == typeXMLHook {
			d.key()
		}
	case kindAny:
		n := d.lengths.Uint()
		for d.uint(n); n > 0 && d.ok(); n-- {
			d.out = append(d.out, d.rest.Any()...)
		}
	case kindDoc:
		d.string()
		d.out = append(d.out, d.rest.Any()...)
	default:
		d.rest.Fail(errContent)
	}
}

// key writes a key, which is a reference to an earlier one or a new one.
func (d *v2Reader) key() {
	if i := d.keyClocks.Uint(); i < uint64(len(d.keys)) {
		key := d.keys[i]
		d.out = append(d.out, d.out[key.from:key.to]...)
		return
	}
	from := len(d.out)
	d.string()
	d.keys = append(d.keys, extent{from, len(d.out)})
}

// deletions converts the delete set. Its clocks are relative to the end of the previous
// span.
func (d *v2Reader) deletions() {
	for n := d.copyUint(); n > 0 && d.ok(); n-- {
		d.copyUint() // the client
		clock := uint64(0)
		for spans := d.copyUint(); spans > 0 && d.ok(); spans-- {
			clock += d.rest.Uint()
			length := d.rest.Uint() + 1
			d.uint(clock)
			d.uint(length)
			if clock += length; clock > lib0.MaxInt {
				d.rest.Fail(lib0.ErrRange)
			}
		}
	}
}
