package yroom

import (
	"cmp"
	"fmt"
	"strings"
)

// DefaultChannel is the channel of rooms whose Settings name no other.
const DefaultChannel = "yroom"

const longestChannel = 100

// Channels returns a function that returns the channel of a room. A layer between
// processes passes the inputs of a room to a worker that serves its channel. So rooms of
// some prefixes can have workers of their own. rooms is that of Config, and has to have
// the same channels in all processes of a cluster.
func Channels(rooms map[string]Settings) func(room string) string {
	return byRow(rooms, func(s Settings) string { return cmp.Or(s.Channel, DefaultChannel) })
}

// CheckChannel returns an error unless name can be the name of a channel.
func CheckChannel(name string) error {
	wrong := func(c rune) bool {
		return !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_.", c))
	}
	if name == "" || len(name) > longestChannel || strings.ContainsFunc(name, wrong) {
		return fmt.Errorf("channel %.*q: want 1 to %d letters, digits, hyphens, underscores and dots", longestChannel, name, longestChannel)
	}
	return nil
}
