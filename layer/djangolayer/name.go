package djangolayer

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yroom/yroom/event"
)

// maxName is one more than the length of the longest name, in characters.
const maxName = 100

var (
	errRoom    = errors.New("Channels has no group of this name: the name of a room is 1 to 99 letters, digits, hyphens, underscores and dots") //nolint:staticcheck // Channels is a name
	errChannel = errors.New("Channels has no channel of this name")                                                                             //nolint:staticcheck // Channels is a name
)

// checkRoom returns an error unless Channels can have a group with the name of the room.
func checkRoom(room string) error {
	if room == "" || utf8.RuneCountInString(room) >= maxName || strings.ContainsFunc(room, unfit) || event.CheckName(room) != nil {
		return fmt.Errorf("%w: %.100q", errRoom, room)
	}
	return nil
}

// checkChannel returns an error unless name can be the name of a channel. That of a connection
// of the core layer is specific.‹process›!‹connection›.
func checkChannel(name string) error {
	process, connection, local := strings.Cut(name, "!")
	word := func(r rune) bool { return unfit(r) && !unicode.IsLetter(r) }
	if process == "" || utf8.RuneCountInString(name) >= maxName || strings.ContainsFunc(process, unfit) ||
		local && strings.ContainsFunc(connection, word) {
		return fmt.Errorf("%w: %.100q", errChannel, name)
	}
	return nil
}

// unfit reports whether a name can't have a character. Python takes digits of all
// scripts for digits.
func unfit(r rune) bool {
	ascii := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	return !ascii && !unicode.Is(unicode.Nd, r) && r != '-' && r != '_' && r != '.'
}

// nonLocal returns the part of a name of a channel that names its process.
func nonLocal(channel string) string {
	if i := strings.IndexByte(channel, '!'); i >= 0 {
		return channel[:i+1]
	}
	return channel
}

// hostOf returns the number of the host, of so many, that has a name.
func hostOf(name string, hosts int) int {
	if hosts == 1 {
		return 0
	}
	return int(float64(crc32.ChecksumIEEE([]byte(name))&0xfff) / (4096 / float64(hosts)))
}
