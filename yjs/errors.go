package yjs

import "errors"

var (
	// ErrRange means that a position or length lies outside of what it is about.
	ErrRange = errors.New("yjs: out of range")
	// ErrType means that a root holds, or was used before as, another kind of type.
	ErrType = errors.New("yjs: another type")
	// ErrDeleted means that a type is no longer part of the document.
	ErrDeleted = errors.New("yjs: deleted")
	// ErrValue means that a value can't be put there.
	ErrValue = errors.New("yjs: unsuitable value")
	// ErrPosition means that bytes are no relative position, or that the document
	// doesn't have (or no longer has) what a relative position refers to.
	ErrPosition = errors.New("yjs: no such position")
	// ErrDepth means that types are nested too deep to be printed.
	ErrDepth = errors.New("yjs: nested too deep")
	// ErrWork means that an update has so many items for the same places that it
	// takes too long to put them in order.
	ErrWork = errors.New("yjs: too many conflicts")
	// ErrSize means that a document has so many formats that it can't be printed
	// with them.
	ErrSize = errors.New("yjs: too large to be printed")
)
