// Package lib0 reads and writes the primitives of all Yjs encodings: variable-length
// integers, length-prefixed bytes and strings, and "any" values. The format is that of
// the npm package lib0 (encoding.js, decoding.js).
//
// A file's prefix says what it works on. In reading order:
//
//   - append.go and reader.go: integers, bytes and strings.
//   - any.go: "any" values, lib0's binary form of what JSON can express, and more.
//   - json_check.go and json_scan.go: JSON text. json_survives.go finds JSON that
//     JavaScript can't read and write without loss. json_from_any.go and
//     any_from_json.go convert between JSON, which updates in V1 have in some places,
//     and "any" values, which updates in V2 have there.
//   - utf16.go: positions in UTF-16 units, in which Yjs counts text.
//   - column_runs.go and column_strings.go: the columns of V2, which are run-length
//     encoded.
//
// Nothing in this package allocates from a length that the input claims. Values of
// type "any" and JSON are nested at most MaxDepth deep.
package lib0

import "errors"

// MaxInt is the largest integer of the format, JavaScript's MAX_SAFE_INTEGER.
const MaxInt = 1<<53 - 1

// MaxDepth bounds how deep arrays and objects may be nested in an "any" or JSON value.
// JavaScript peers read and write such values recursively, and overflow their stack at
// about ten thousand levels.
const MaxDepth = 512

// The errors of malformed input, which Reader.Err returns.
var (
	ErrTruncated = errors.New("input ends too early")
	ErrRange     = errors.New("integer is larger than 2^53-1")
	ErrUTF8      = errors.New("string is not valid UTF-8")
	ErrAny       = errors.New("unknown type of value")
	ErrPrototype = errors.New("object with bytes as its prototype")
	ErrDepth     = errors.New("value is nested too deeply")
	ErrJSON      = errors.New("not valid JSON")
	ErrLossyJSON = errors.New("JSON that JavaScript can't read and write without loss: -0, a number out of range, half a surrogate pair or a key __proto__")
	ErrNoJSON    = errors.New("value that JSON can't hold: undefined or a BigInt")
)
