package blocks

import (
	"errors"
	"fmt"
	"slices"

	"github.com/yroom/yroom/internal/lib0"
)

// fromV2 converts an update from V2 to V1, without bytes after its end. The result is in the
// memory of buffer, if that suffices. It refuses only what it can't convert (ErrMalformed),
// and updates that take more than about limit bytes in V1 (ErrLimit): the result must be
// checked like any update in V1. Time and memory are linear in the size of the update and of
// the result.
func fromV2(buffer, update []byte, limit int) ([]byte, error) {
	d := newV2Reader(buffer, update, limit)
	d.sections()
	d.deletions()
	if err := d.err(update); err != nil {
		return buffer, err
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
	limit int      // of the bytes in V1
	taken int      // how many of these are not in out: see readSimple
	keys  []extent // the keys so far, by number
}

// newV2Reader returns a reader of an update that has read the columns. It writes to buffer
// if that suffices.
func newV2Reader(buffer, update []byte, limit int) *v2Reader {
	d := &v2Reader{rest: lib0.NewReader(update), out: slices.Grow(buffer[:0], 2*len(update)+16), limit: limit}
	d.columns()
	return d
}

// extent is a range of bytes of v2Reader.out.
type extent struct{ from, to int }

// columns reads the beginning of the update, up to the sections.
func (d *v2Reader) columns() {
	if d.rest.Uint() != 0 {
		d.rest.Fail(errNotV2)
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
}

var errNotV2 = errors.New("not in V2")

// ok reports whether there is neither an error nor too much output.
func (d *v2Reader) ok() bool { return d.rest.Err() == nil && d.taken+len(d.out) <= d.limit }

// err returns why the update is refused, or nil.
func (d *v2Reader) err(update []byte) error {
	switch err := d.rest.Err(); {
	case errors.Is(err, errNotV2):
		return malformed("update: %w", err)
	case err != nil:
		return malformed("update in V2: %w", err)
	case !d.ok():
		return fmt.Errorf("%w: an update of %d bytes in V2 would take more than %d bytes in V1", ErrLimit, len(update), d.limit)
	}
	return nil
}

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
			d.block(d.infos.Byte())
		}
	}
}

// block converts a block, whose first byte is info.
func (d *v2Reader) block(info byte) {
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
	if info&(hasOrigin|hasRight) == 0 {
		d.parent(info)
	} else {
		d.origins(info)
	}
	d.content(k)
}

// origins converts the origin and the right origin. It is written for speed: most of an
// update consists of them.
func (d *v2Reader) origins(info byte) {
	out := d.out
	if info&hasOrigin != 0 {
		out = lib0.AppendUint(out, d.clients.Uint())
		out = lib0.AppendUint(out, d.leftClocks.Uint())
	}
	if info&hasRight != 0 {
		out = lib0.AppendUint(out, d.clients.Uint())
		out = lib0.AppendUint(out, d.rightClocks.Uint())
	}
	d.out = out
}

// parent converts the parent and the key.
func (d *v2Reader) parent(info byte) {
	named := d.parentInfos.Byte()
	d.out = append(d.out, named)
	switch named {
	case 0:
		d.uint(d.clients.Uint())
		d.uint(d.leftClocks.Uint())
	case 1:
		d.string()
	default:
		d.rest.Fail(errParent)
	}
	if info&hasKey != 0 {
		d.string()
	}
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
	if !d.ok() {
		return
	}
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
