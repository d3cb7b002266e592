package link

import (
	"encoding/hex"
	"slices"
)

// ID identifies a Node. It is random and never used again: a process that restarts has
// another one.
type ID [16]byte

// String returns id in hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// Compare orders IDs by their bytes.
func (id ID) Compare(other ID) int { return slices.Compare(id[:], other[:]) }

// Everyone is the receiver of a Packet that is sent to every Node, including its sender.
var Everyone ID
