package room

import (
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/weakbytes"
)

// Merge adds an update that another worker has stored, which it owns, to the
// document, and broadcasts it. No limit applies, and Effects.Update is nil. An
// error is one of package blocks and changes nothing.
func (r *Room) Merge(now time.Time, update []byte, enc blocks.Encoding) (Effects, error) {
	if held, err := r.blocks.Contains(update, enc); held || err != nil {
		return Effects{}, err
	}
	t := r.begin(now) // before the document changes: it may save a state vector
	if err := r.blocks.Load(update, enc); err != nil {
		return Effects{}, err
	}
	t.whole = weakbytes.Pointer{}
	t.changed = now
	t.broadcast(must(blocks.Convert(enc, blocks.V1, update)))
	return t.effects, nil
}
