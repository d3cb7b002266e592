package main

import (
	"bytes"
	"encoding/json"
	"unicode/utf8"

	"github.com/yroom/yroom/awareness"
	"github.com/yroom/yroom/protocol"
)

// formats are the first bytes of data that is no update.
var formats = []struct{ begins, name string }{
	{"\x1f\x8b", "compressed with gzip"},
	{"\x28\xb5\x2f\xfd", "compressed with zstd"},
	{"PK\x03\x04", "a zip file"},
	{"SQLite format 3", "an SQLite file"},
}

// looksLike describes data that could not be read as an update, if it can be recognized.
func looksLike(data []byte) string {
	if len(data) == 0 {
		return "empty"
	}
	for _, f := range formats {
		if bytes.HasPrefix(data, []byte(f.begins)) {
			return f.name
		}
	}
	if _, err := awareness.Named(data, ""); err == nil {
		return "an awareness update, and no update of a document"
	}
	if m, rest, ok, err := (protocol.Plain{}).Next(data); ok && err == nil && len(rest) == 0 && len(m.Data) > 0 {
		return "a whole message of the y-websocket protocol, in place of the update in it"
	}
	if json.Valid(data) {
		return "JSON"
	}
	if utf8.Valid(data) && !bytes.ContainsFunc(data, func(r rune) bool { return r < ' ' && r != '\n' && r != '\r' && r != '\t' }) {
		return "text"
	}
	return ""
}
