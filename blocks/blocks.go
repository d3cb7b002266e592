package blocks

import "errors"

// Encoding names how an update is encoded. It is always named, never guessed.
type Encoding uint8

// The encodings of Yjs updates. The zero value is none.
const (
	V1 Encoding = 1
	V2 Encoding = 2
)

var _ = errors.New
