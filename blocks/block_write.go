package blocks

import "github.com/yroom/yroom/internal/lib0"

// appendTo appends the block in V1. It returns prefix, the offset in the result at
// which the content's prefix begins, for tail.
func (b *block) appendTo(dst []byte) (wire []byte, prefix int) {
	if b.wire != nil {
		dst = append(dst, b.wire...)
		return dst, len(dst) - len(b.content) - b.prefixLen()
	}
	dst = append(dst, byte(b.kind)|b.flags)
	if b.flags&hasOrigin != 0 {
		dst = lib0.AppendUint(dst, b.origin.client)
		dst = lib0.AppendUint(dst, b.origin.clock)
	}
	if b.flags&hasRight != 0 {
		dst = lib0.AppendUint(dst, b.right.client)
		dst = lib0.AppendUint(dst, b.right.clock)
	}
	dst = append(dst, b.parent...)
	prefix = len(dst)
	switch {
	case b.kind == kindString:
		dst = lib0.AppendUint(dst, uint64(len(b.content)))
	case b.kind.counted():
		dst = lib0.AppendUint(dst, b.len)
	}
	return append(dst, b.content...), prefix
}

// prefixLen returns how many bytes the content's prefix takes.
func (b *block) prefixLen() int {
	switch {
	case b.kind == kindString:
		return lib0.UintLen(uint64(len(b.content)))
	case b.kind.counted():
		return lib0.UintLen(b.len)
	}
	return 0
}
