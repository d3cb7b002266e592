package worker

import (
	"cmp"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/room"
)

// Settings are the settings of one room. A zero field stands for its default.
type Settings struct {
	// RemoveDelay is how long a room stays open after its last connection has
	// left. The default is 30 seconds.
	RemoveDelay time.Duration
	// AutosaveDelay is how long after the last edit the log of the room is
	// compacted. If edits continue, it is compacted after ten times that delay. It is also
	// compacted when it has grown much, and when the room is evicted. The default is 1
	// minute.
	AutosaveDelay time.Duration
	// Pace is how long a room waits after a broadcast before it handles further inputs, so
	// that many connections are written to less often. A room with up to Config.Few
	// connections doesn't wait, and one with twice as many waits the whole time; while no one
	// edits, it waits twice as long. The default is 16 milliseconds, or that of the Layer.
	Pace time.Duration
	// Room configures the room itself. Its Epoch and Worker are ignored. Snapshots are in its
	// Encoding.
	Room room.Config
	// MailboxInputs and MailboxBytes bound what waits for the room's next turn;
	// past them the consumer doesn't read from its connections. MailboxBytes also
	// bounds what waits for the store. The defaults are 4,096 inputs and 32 MiB.
	MailboxInputs int
	MailboxBytes  int
}

// settings returns the settings of a room.
func (w *Worker) settings(room string) Settings {
	s := w.config.Room(room)
	s.RemoveDelay = cmp.Or(s.RemoveDelay, 30*time.Second)
	s.AutosaveDelay = cmp.Or(s.AutosaveDelay, time.Minute)
	s.Pace = cmp.Or(s.Pace, w.pace)
	s.Room.Encoding = cmp.Or(s.Room.Encoding, blocks.V1)
	s.MailboxInputs = cmp.Or(s.MailboxInputs, 4096)
	s.MailboxBytes = cmp.Or(s.MailboxBytes, 32<<20)
	return s
}
