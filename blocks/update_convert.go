package blocks

// Convert returns an update in another encoding, with the same blocks in the same order,
// and without what has no effect in yjs: blocks of no elements, deletions of no elements
// and bytes after the end. The error is ErrMalformed, ErrEncoding, or ErrLimit if from is
// V2. If from and to are V1 and there is nothing to leave out, Convert checks update and
// returns it; otherwise update is borrowed, and the caller owns the result.
func Convert(from, to Encoding, update []byte) ([]byte, error) {
	if err := checkEncoding(to); err != nil {
		return nil, err
	}
	wire, err := toV1(update, from, maxUnpacked(update))
	if err != nil {
		return nil, err
	}
	tidy, err := new(parsedUpdate).read(wire, nil, nil)
	if err != nil {
		return nil, err
	}
	if to == V1 {
		return tidy, nil
	}
	return toV2(tidy), nil
}
