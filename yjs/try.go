package yjs

import "github.com/yroom/yroom/blocks"

// triedVisits is how many items Try may visit. yjs takes about half a second for so many.
const triedVisits = 1 << 21

// Try returns ErrWork if clients that apply the updates, in V1, one after the other, would
// freeze, because too many items conflict: yjs compares each item with all that were
// inserted at the same place concurrently. A single update is a document that a client
// loads. Try takes about as long as loading the updates, and a tenth of a second at most
// for the conflicts of each. Other errors are those of Doc.Apply. The updates are
// borrowed.
func Try(updates ...[]byte) error {
	d := New()
	d.patience = triedVisits
	for _, update := range updates {
		if err := d.Apply(update, blocks.V1); err != nil {
			return err
		}
	}
	return nil
}
