package blocks

import (
	"iter"

	"github.com/yroom/yroom/internal/lib0"
)

// parseV2 is Parse for an update in V2. It doesn't convert most of the blocks to V1.
func parseV2(update []byte, yield func(*Block)) (deleted iter.Seq2[ID, uint64], err error) {
	d := v2Reader{rest: lib0.NewReader(update), limit: maxUnpacked(update)}
	d.columns()
	var b block
	var out Block
	var clients []uint64
	n := d.rest.Uint()
	for d.taken = lib0.UintLen(n); n > 0 && d.ok(); n-- {
		left, client, clock := d.rest.Uint(), d.clients.Uint(), d.rest.Uint()
		d.taken += lib0.UintLen(left) + lib0.UintLen(client) + lib0.UintLen(clock)
		for ; left > 0; left-- {
			if info := d.infos.Byte(); isSimple(info) {
				d.readSimple(&out, info, ID{client, clock})
			} else {
				from := len(d.out)
				d.block(info)
				r := lib0.NewReader(d.out[from:])
				if b.read(&r, client, clock); r.Err() != nil {
					d.rest.Fail(r.Err())
				}
				out.setBlock(&b)
			}
			if !d.ok() {
				return nil, d.err(update)
			}
			out.Left = left - 1
			clock += out.Len
			yield(&out)
		}
		clients = append(clients, client)
	}
	if err := d.err(update); err != nil {
		return nil, err
	}
	deleted, taken, err := finishParse(clients, &d.rest, V2)
	if err != nil {
		return nil, err
	}
	if d.taken += taken; !d.ok() {
		return nil, d.err(update)
	}
	return deleted, nil
}

// readSimple reads a block whose first byte, info, isSimple accepts. It checks the block as
// block.read checks it.
func (d *v2Reader) readSimple(out *Block, info byte, at ID) {
	if out.Root != nil || out.Key != nil { // writing a pointer takes time while the garbage collector runs
		out.Root, out.Key = nil, nil
	}
	out.ID, out.Kind, out.HasKey, out.InType = at, Kind(info&kindMask), false, false
	out.HasOrigin, out.HasRight = info&hasOrigin != 0, info&hasRight != 0
	d.taken++
	if out.HasOrigin {
		out.Origin = d.readRef(&d.leftClocks, at)
	}
	if out.HasRight {
		out.Right = d.readRef(&d.rightClocks, at)
	}
	if out.Kind == KindDeleted {
		if out.Len = d.lengths.Uint(); out.Content != nil {
			out.Content = nil
		}
		d.taken += lib0.UintLen(out.Len)
	} else {
		out.Content, out.Len = d.strings.Next()
		d.taken += lib0.UintLen(uint64(len(out.Content))) + len(out.Content)
	}
	if out.Len == 0 {
		d.rest.Fail(errEmpty)
	}
	if at.Clock+out.Len > lib0.MaxInt {
		d.rest.Fail(lib0.ErrRange)
	}
}

// readRef reads the id of an element that the block at refers to.
func (d *v2Reader) readRef(column *lib0.DiffRuns, at ID) ID {
	ref := ID{d.clients.Uint(), column.Uint()}
	if ref.Client == at.Client && ref.Clock >= at.Clock {
		d.rest.Fail(errFuture)
	}
	d.taken += lib0.UintLen(ref.Client) + lib0.UintLen(ref.Clock)
	return ref
}
