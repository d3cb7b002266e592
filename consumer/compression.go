package consumer

import (
	"fmt"
	"slices"

	"github.com/gobwas/httphead"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// Compression says which messages are compressed (permessage-deflate, RFC 7692) for clients
// whose WebSockets support that. Unless it is off, clients may compress what they send.
type Compression uint8

// The values of a Compression.
const (
	// CompressionOff compresses nothing.
	CompressionOff Compression = iota
	// CompressionAnswers compresses documents, and differences to them, of more than 4 KiB. One
	// that is sent to several connections is compressed once.
	CompressionAnswers
	// CompressionAll also compresses what is sent to all connections of a room, from 256 bytes
	// on, once for all of them.
	CompressionAll
)

var compressions = []string{CompressionOff: "off", CompressionAnswers: "answers", CompressionAll: "all"}

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Compression) UnmarshalText(text []byte) error {
	i := slices.Index(compressions, string(text))
	if i < 0 {
		return fmt.Errorf("%.100q is not a compression: off, answers or all", text)
	}
	*c = Compression(i)
	return nil
}

// broadcastPacked is the size in bytes from which a broadcast is compressed. Smaller ones
// hardly become smaller.
const broadcastPacked = 256

// covers reports whether the message of an Output is compressed.
func (c Compression) covers(o *event.Output) bool {
	switch {
	case o.To == event.Everyone:
		return c == CompressionAll && len(o.Message.Data) >= broadcastPacked
	case o.Message.Type == protocol.SyncStep2, o.Message.Type == protocol.Update:
		return c != CompressionOff && len(o.Message.Data) > dataCopied
	default:
		return false
	}
}

// deflateName is the name of the extension.
const deflateName = "permessage-deflate"

// negotiate accepts the first offer of permessage-deflate that it can. It answers no other
// offer. A message is compressed without those before it, so that one frame is right for all
// connections and an idle connection holds nothing. The client is told to do the same.
func (s *socket) negotiate(offer httphead.Option) (accepted httphead.Option, _ error) {
	if s.deflates || string(offer.Name) != deflateName {
		return accepted, nil
	}
	var seen []string
	acceptable, window := true, false
	offer.Parameters.ForEach(func(key, value []byte) bool {
		name := string(key)
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			acceptable = len(value) == 0
		case "client_max_window_bits": // it may use any window
			acceptable = len(value) == 0 || isWindow(string(value))
		case "server_max_window_bits": // that of the compressor can't be made smaller
			acceptable, window = string(value) == "15", true
		default:
			acceptable = false
		}
		acceptable = acceptable && !slices.Contains(seen, name)
		seen = append(seen, name)
		return acceptable
	})
	if !acceptable {
		return accepted, nil
	}
	s.deflates = true
	accepted.Name = []byte(deflateName)
	accepted.Parameters.Set([]byte("server_no_context_takeover"), nil)
	accepted.Parameters.Set([]byte("client_no_context_takeover"), nil)
	if window {
		accepted.Parameters.Set([]byte("server_max_window_bits"), []byte("15"))
	}
	return accepted, nil
}

// isWindow reports whether a parameter is the size of a window, in bits.
func isWindow(value string) bool {
	return slices.Contains([]string{"8", "9", "10", "11", "12", "13", "14", "15"}, value)
}
