package room

import (
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/weakbytes"
)

// Merge adds an update that another worker has stored to the document, and broadcasts
// it. It owns the update. No limit applies, and Effects.Update is nil. The errors are
// those of package blocks; then the document is unchanged.
func (r *Room) Merge(now time.Time, update []byte, enc blocks.Encoding) (Effects, error) {
	if held, err := r.blocks.Contains(update, enc); held || err != nil {
		return Effects{}, err
	}
	t := r.begin(now) // before the document changes, because it may save a state vector
	if err := r.blocks.Load(update, enc); err != nil {
		return Effects{}, err
	}
	t.whole = weakbytes.Pointer{}
	t.changed = now
	t.broadcast(must(blocks.Convert(enc, blocks.V1, update)))
	return t.effects, nil
}
