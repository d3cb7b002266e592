package outbox

import (
	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/protocol"
)

// awarenessBatch is the cost up to which awareness waits without being merged, unless
// the outbox is small.
const awarenessBatch = 16 << 10

// addAwareness merges the awareness that waits each time its size has doubled, so that
// its size stays proportional to the number of clients. If even the merged awareness is
// too large, it is dropped: clients repeat their states every 15 seconds, and remove a
// state that wasn't repeated for 30 seconds.
func (o *Outbox) addAwareness(f *Frame) error {
	if o.aware == 0 || o.aware+f.cost() <= max(o.mergeAt, min(awarenessBatch, o.size/8)) {
		o.queue = append(o.queue, f)
		o.aware += f.cost()
		return nil
	}
	var updates [][]byte
	o.filter(func(f *Frame) bool {
		if f.Type == protocol.Awareness {
			updates = append(updates, f.States)
		}
		return f.Type != protocol.Awareness
	})
	o.aware, o.mergeAt = 0, 0
	merged, err := awareness.Merge(append(updates, f.States)...)
	if err != nil {
		return err
	}
	frame := o.encode(merged)
	if cost := frame.cost(); cost <= o.size/8 {
		o.queue = append(o.queue, frame)
		o.aware, o.mergeAt = cost, 2*cost
	}
	return nil
}
