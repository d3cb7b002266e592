package store

import "strconv"

// Durability says what a change survives once the call that made it has returned nil. A
// store that offers several levels has a func in its Config that returns the level of a
// room by its name.
type Durability uint8

const (
	// DurabilityFsync survives a power loss.
	DurabilityFsync Durability = iota
	// DurabilityCommit survives a crash of the process, but not a crash of the
	// machine.
	DurabilityCommit
	// DurabilityNone lets Append return before the entry is written, with
	// position 0: a crash of the process may lose the latest entries. If the entry can't
	// be written later, the next Append to the room returns ErrLost. Each call sees what
	// was appended before through the same Store value. All other methods are as with
	// DurabilityCommit.
	DurabilityNone
)

// String returns the name of the level in lower case: fsync, commit or none.
func (d Durability) String() string {
	switch d {
	case DurabilityFsync:
		return "fsync"
	case DurabilityCommit:
		return "commit"
	case DurabilityNone:
		return "none"
	}
	return "durability " + strconv.Itoa(int(d))
}
