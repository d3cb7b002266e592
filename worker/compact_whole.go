package worker

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/clocks"
	"github.com/yroom/yroom/internal/ids"
	"github.com/yroom/yroom/store"
)

// errPartial means that a snapshot would lack a part of the entries that it is to replace.
var errPartial = errors.New("worker: the snapshot is not the whole document")

// partition returns the entries of a log that a snapshot can replace, and those of which a
// part is pending in the document. It logs that if it lasts.
func (a *actor) partition(log store.Log, doc *blocks.Store) (replaced store.Log, kept []store.Entry, err error) {
	pending, example := make(map[uint64]clocks.Spans), ""
	for w := range doc.Waiting() {
		pending[w.Client] = append(pending[w.Client], clocks.Span{From: w.From, To: w.To})
		example = cmp.Or(example, w.String())
	}
	if len(pending) == 0 {
		return log, nil, nil
	}
	replaced.Generation = log.Generation
	late := false
	for i, e := range log.Entries {
		part, err := ids.Overlap(e.Data, e.Encoding == store.V2, pending)
		if err != nil {
			return replaced, nil, fmt.Errorf("entry %d: %w", log.Positions[i], err)
		}
		if part {
			kept = append(kept, e)
			late = late || a.worker.config.Runtime.Now().Sub(e.At) >= pendingPatience
			continue
		}
		replaced.Entries, replaced.Positions = append(replaced.Entries, e), append(replaced.Positions, log.Positions[i])
	}
	if late {
		a.worker.config.Logger.Warn("A part of a document is incomplete: it waits for updates that have not arrived. Clients don't see it. The entries of the log that hold it are kept as they are. "+
			"If the document was written by another server, import it again from there.", "room", a.name, "example", example, "clients", len(pending), "entries", len(kept))
	}
	return replaced, kept, nil
}

// pendingPatience is how long a part of a document may be pending before that is logged: a
// client that connects again may send a new edit before those that were lost.
const pendingPatience = time.Minute

// whole returns errPartial unless the entries of by have, all together, the elements and
// deletions of those that they replace.
func whole(replaced, by []store.Entry) error {
	before, err := idsOf(replaced)
	if err != nil {
		return err
	}
	after, err := idsOf(by)
	if err != nil {
		return err
	}
	if err := before.In(after); err != nil {
		return fmt.Errorf("%w: %w", errPartial, err)
	}
	return nil
}

// idsOf returns the elements and deletions of entries.
func idsOf(entries []store.Entry) (*ids.Set, error) {
	all := new(ids.Set)
	for _, e := range entries {
		if err := all.Add(e.Data, e.Encoding == store.V2); err != nil {
			return nil, err
		}
	}
	return all, nil
}
