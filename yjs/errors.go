package yjs

import "errors"

var (
	// ErrRange means that a position or a length is out of range.
	ErrRange = errors.New("yjs: out of range")
	// ErrType means that a shared type does not have the required kind. The kind of a root
	// is the kind as which it was first requested.
	ErrType = errors.New("yjs: wrong type")
	// ErrDeleted means that a shared type is no longer part of the document.
	ErrDeleted = errors.New("yjs: type is deleted")
	// ErrValue means that a value can't be stored, or can't be stored in that place.
	ErrValue = errors.New("yjs: invalid value")
	// ErrPosition means that bytes are not a relative position, or that the document
	// does not have, or no longer has, the element that a relative position refers to.
	ErrPosition = errors.New("yjs: invalid relative position")
	// ErrDepth means that types are nested too deeply to be printed.
	ErrDepth = errors.New("yjs: nested too deeply")
	// ErrWork means that too many items of an update conflict: that they were inserted
	// at the same place, so that ordering them takes too long.
	ErrWork = errors.New("yjs: too many conflicts")
	// ErrSize means that the formats of a document are too large to be printed.
	ErrSize = errors.New("yjs: formats too large to print")
)
