package outbox

import "github.com/yroom/yroom/event"

// Vectors keeps the newest state vectors of a room, with the Marks at which they
// arrived. The zero Vectors is empty. A copy of a Vectors is independent of it.
type Vectors struct {
	now    [2]vector // of the newest epoch, the newest first
	former [2]vector // of the previous epoch, whose Marks connections that rejoin have
}

type vector struct {
	mark event.Mark
	data []byte // nil: none
}

// Add records the state vector that arrived in an Output with mark. It keeps data,
// which must not be changed, and ignores nil.
func (v *Vectors) Add(mark event.Mark, data []byte) {
	newest := &v.now[0]
	switch {
	case data == nil:
	case newest.data == nil:
		*newest = vector{mark, data}
	case mark.Epoch != newest.mark.Epoch:
		v.now, v.former = [2]vector{{mark, data}}, v.now
	case mark.Seq > newest.mark.Seq:
		v.now[1] = *newest
		*newest = vector{mark, data}
	}
}

// At returns the newest state vector that a connection with everything up to mark has
// reached: one of the same epoch that arrived at mark or before. It returns nil if
// there is none.
func (v *Vectors) At(mark event.Mark) []byte {
	for _, of := range [...]*[2]vector{&v.now, &v.former} {
		for _, x := range of {
			if x.data != nil && x.mark.Epoch == mark.Epoch && x.mark.Seq <= mark.Seq {
				return x.data
			}
		}
	}
	return nil
}
