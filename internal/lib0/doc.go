// Package lib0 reads and writes the primitives that everything in the Yjs
// world is made of: variable-length integers, length-prefixed bytes and
// strings, and "any" values. The format is that of the npm package lib0
// (encoding.js, decoding.js).
//
// Nothing here allocates from a length that the input claims.
package lib0

import "errors"

// MaxInt is the largest integer on the wire: JavaScript's MAX_SAFE_INTEGER.
const MaxInt = 1<<53 - 1

// MaxDepth bounds how many arrays and objects of an "any" or JSON value may be
// nested in one another. JavaScript peers read and write such values
// recursively and overflow their stack at about ten thousand levels.
const MaxDepth = 512

// What can be wrong with bytes. They come back from Reader.Err.
var (
	ErrTruncated = errors.New("input ends too early")
	ErrRange     = errors.New("integer is larger than 2^53-1")
	ErrUTF8      = errors.New("string is not valid UTF-8")
	ErrAny       = errors.New("unknown type of value")
	ErrPrototype = errors.New("object with bytes as its prototype")
	ErrDepth     = errors.New("value is nested too deeply")
	ErrJSON      = errors.New("not valid JSON")
	ErrNoJSON    = errors.New("value that JSON can't hold: undefined or a BigInt")
)
