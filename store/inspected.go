package store

// Overview is what an inspection of a store finds about the store as a whole. Stores that
// can be inspected have a func Inspect.
type Overview struct {
	Schema int // the version of the store's schema
	Knows  int // the newest version that this build knows. If it isn't Schema, the rest is not filled in

	Rooms  int // that are not deleted
	Strays int // entries of rooms of which the store has no row
}

// Inspected is a room as an inspection finds it, even if it can't be loaded.
type Inspected struct {
	Room    string
	Deleted bool
	First   Position // of the entries since the room was last deleted
	Next    Position // of the next entry, or 0 if the store doesn't keep it

	Count int // of the entries
	Bytes int // of their data
	// Entries are all of them, in order of position. It is nil if Bytes is more than the
	// caller allows.
	Entries []InspectedEntry
}

// InspectedEntry is an entry as it is stored.
type InspectedEntry struct {
	Entry

	Position Position
	Snapshot bool  // it replaces others, or is from before the store told them apart
	Fault    error // why Load refuses the entry, or nil
}
