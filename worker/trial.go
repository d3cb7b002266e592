package worker

import "github.com/yroom/yroom/blocks"

// trialCost is how many bytes of memory a trial of a document of text takes for each of its
// bytes. One of many small blocks takes more, but has fewer bytes.
const trialCost = 8

// tryAlone returns a function that calls try, which is a blocks.Options.Try, for all rooms of
// the worker one after the other, because a trial takes several times as much memory as its
// document. Those that wait don't have their documents yet.
func (w *Worker) tryAlone(try func(updates func() [][]byte) error) func(updates func() [][]byte) error {
	if try == nil {
		return nil
	}
	return func(updates func() [][]byte) error {
		w.trial <- struct{}{}
		defer func() { <-w.trial }()
		size := 0
		defer func() { w.memory.end(size) }()
		return try(func() [][]byte {
			all := updates()
			for _, update := range all {
				size += trialCost * len(update)
				w.memory.take(trialCost * len(update))
			}
			return all
		})
	}
}

// tryCompacted logs if clients that load a document freeze. Most updates that would cause that
// are refused when they arrive; this finds the others.
func (a *actor) tryCompacted(doc *blocks.Store) {
	if err := doc.Try(); err != nil {
		a.worker.config.Logger.Error("Clients that load this document freeze for a while, because too many blocks were inserted at the same places. "+
			"Export its content, and import that into another room.", "room", a.name, "error", err)
	}
}
