package yjs

import "github.com/yroom/yroom/blocks"

// triedVisits is how many items Try may visit. yjs takes about half a second for so many.
const triedVisits = 1 << 21

// Try returns ErrWork if clients that load a document would freeze, because too many of
// its items conflict: yjs compares each item with all that were inserted at the same
// place concurrently. update is the document, in V1. Try takes about as long as loading
// it, and a tenth of a second at most for the conflicts. Other errors are those of
// Doc.Apply. update is borrowed.
func Try(update []byte) error {
	d := New()
	d.patience = triedVisits
	return d.Apply(update, blocks.V1)
}
