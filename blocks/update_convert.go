package blocks

// Convert returns an update in another encoding, with the same blocks in the same
// order. The error is ErrMalformed, ErrEncoding, or ErrLimit if from is V2. If from
// and to are the same, Convert checks update and returns it; otherwise update is
// borrowed, and the caller owns the result.
func Convert(from, to Encoding, update []byte) ([]byte, error) {
	if err := checkEncoding(to); err != nil {
		return nil, err
	}
	wire, err := toV1(update, from, maxUnpacked(update))
	if err != nil {
		return nil, err
	}
	if err := new(parsedUpdate).read(wire, nil, nil); err != nil {
		return nil, err
	}
	if from == to {
		return update, nil
	}
	return fromV1(wire, to), nil
}
