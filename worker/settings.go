package worker

import (
	"cmp"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/room"
)

// Settings are those of one room. The zero value means the defaults.
type Settings struct {
	// RemoveDelay is how long a room stays open when the last one has left.
	// 0: 30 seconds.
	RemoveDelay time.Duration
	// AutosaveDelay is how long after the last edit the room's log is compacted;
	// at ten times that it is under steady typing too. 0: 1 minute. It is also
	// compacted when it has grown much, and when the room closes.
	AutosaveDelay time.Duration
	// Room is for the room itself. Snapshots are in its Encoding.
	Room room.Config
	// MailboxInputs and MailboxBytes bound what waits for the room's next turn;
	// past them its connections are read no more. MailboxBytes also bounds what
	// waits for the store. 0: 4,096 inputs, 32 MiB.
	MailboxInputs int
	MailboxBytes  int
}

func (s Settings) withDefaults() Settings {
	s.RemoveDelay = cmp.Or(s.RemoveDelay, 30*time.Second)
	s.AutosaveDelay = cmp.Or(s.AutosaveDelay, time.Minute)
	s.Room.Encoding = cmp.Or(s.Room.Encoding, blocks.V1)
	s.MailboxInputs = cmp.Or(s.MailboxInputs, 4096)
	s.MailboxBytes = cmp.Or(s.MailboxBytes, 32<<20)
	return s
}
