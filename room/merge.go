package room

import (
	"time"

	"github.com/yroom/yroom/blocks"
)

// Merge adds an update that another worker has stored to the document, and broadcasts
// it. It owns the update. No limit applies, and Effects.Update is nil. The errors are
// those of package blocks; then the document is unchanged.
func (r *Room) Merge(now time.Time, update []byte, enc blocks.Encoding) (Effects, error) {
	if held, err := r.blocks.Contains(update, enc); held || err != nil {
		return Effects{}, err
	}
	t := r.begin(now) // before the document changes, because it may save a state vector
	before := r.blocks.StateVector()
	if err := r.blocks.Load(update, enc); err != nil {
		return Effects{}, err
	}
	t.whole = wholes{}
	t.changed = now
	// The update may be a snapshot of a large document, of which little is new.
	t.broadcast(must(r.blocks.Diff(before, blocks.V1)))
	return t.effects, nil
}
