package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/ids"
	"github.com/yroom/yroom/yjs"
)

// shownWaiting bounds how much of an incomplete document an error lists.
const shownWaiting = 5

// errIncomplete means that a part of a document waits for what the document lacks.
var errIncomplete = errors.New("the update is not a whole document")

// encoded is an update.
type encoded struct {
	data []byte
	enc  blocks.Encoding
}

// checkWhole returns an error if a room with these updates would not show all of them: if a
// part waits for what they lack (errIncomplete), or if the room's document would differ
// from them.
func checkWhole(updates ...encoded) error {
	var before ids.Set
	doc := blocks.New()
	for _, u := range updates {
		if err := doc.Load(u.data, u.enc); err != nil {
			return fmt.Errorf("this is not a Yjs update in V%d: %w. If it is in another encoding, name that with --encoding", u.enc, err)
		}
		if err := before.Add(u.data, u.enc == blocks.V2); err != nil {
			return err
		}
	}
	if err := incomplete(doc); err != nil {
		return err
	}
	text, err := printed(updates...)
	if err != nil {
		return err
	}
	for _, enc := range []blocks.Encoding{blocks.V1, blocks.V2} {
		var after ids.Set
		stored := encoded{doc.Encode(enc), enc}
		if err := after.Add(stored.data, enc == blocks.V2); err != nil {
			return err
		}
		if err := errors.Join(before.In(&after), after.In(&before)); err != nil {
			return fmt.Errorf("the room would not have what the update has: %w; this is a fault of yroom: please report it", err)
		}
		if got, err := printed(stored); err != nil || !bytes.Equal(got, text) {
			return errors.Join(errors.New("the room would show another document than the update; this is a fault of yroom: please report it"), err)
		}
	}
	return nil
}

// incomplete returns an error that says which elements of the document wait for which, or
// nil if none does.
func incomplete(doc *blocks.Store) error {
	waiting := slices.Collect(doc.Waiting())
	if len(waiting) == 0 {
		return nil
	}
	text := new(bytes.Buffer)
	for _, w := range waiting[:min(len(waiting), shownWaiting)] {
		fmt.Fprintf(text, "\n  %v", w)
	}
	if more := len(waiting) - shownWaiting; more > 0 {
		fmt.Fprintf(text, "\n  and %d more", more)
	}
	return fmt.Errorf("%w, and a part of it would be invisible:%s\nGet it from a client or a server that has all of the document, or import it with --incomplete", errIncomplete, text)
}

// printed returns the document of updates as JSON. A document that is too large to be
// printed is empty.
func printed(updates ...encoded) ([]byte, error) {
	doc := yjs.New()
	for _, u := range updates {
		if err := doc.Apply(u.data, u.enc); err != nil {
			return nil, err
		}
	}
	text, err := doc.MarshalJSON()
	if errors.Is(err, yjs.ErrSize) || errors.Is(err, yjs.ErrDepth) {
		return nil, nil
	}
	return text, err
}

// readWhole reads an update that is to be imported, and checks it. If it isn't a whole
// document, it is checked together with the room's document, which base returns.
func readWhole(from *body, enc blocks.Encoding, base func() ([]byte, error)) (*body, error) {
	update, err := io.ReadAll(io.LimitReader(from, int64(largestImport)+1))
	if err != nil {
		return nil, err
	}
	if len(update) > int(largestImport) {
		return nil, fmt.Errorf("the update has more than %d bytes", largestImport)
	}
	err = checkWhole(encoded{update, enc})
	if errors.Is(err, errIncomplete) {
		var held []byte
		if held, err = base(); err != nil {
			return nil, err
		}
		err = checkWhole(encoded{held, blocks.V1}, encoded{update, enc})
	}
	if err != nil {
		return nil, err
	}
	return &body{bytes.NewReader(update), int64(len(update))}, nil
}
