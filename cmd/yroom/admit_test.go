package main

import (
	"bytes"
	"testing"
)

// A client that connected with ?readonly can't change the document, whatever it sends.
func TestServeReadOnly(t *testing.T) {
	s := start(t)
	// An update: client 1 inserts "a" into the text "t".
	edit := []byte{0, 2, 11, 1, 1, 1, 0, 4, 1, 1, 't', 1, 'a', 0}
	for _, test := range []struct {
		address string
		changed bool
	}{
		{"a", true},
		{"b?readonly", false},
		{"c?readonly=", false}, // the URL that y-websocket builds
		{"d?other", true},
	} {
		c, err := s.dial(t, test.address, nil)
		if err != nil {
			t.Fatal(err)
		}
		// The server handles messages in order, so it has handled the edit before the answer.
		for _, message := range [][]byte{edit, {0, 0, 1, 0}} {
			if err := c.Send(message); err != nil {
				t.Fatal(err)
			}
		}
		var answer []byte
		for !bytes.HasPrefix(answer, []byte{0, 1}) { // SyncStep2
			if _, answer, err = c.Read(); err != nil {
				t.Fatal(err)
			}
		}
		if changed := bytes.Contains(answer, edit[3:13]); changed != test.changed {
			t.Errorf("%s: the document is %x, changed %v, want %v", test.address, answer, changed, test.changed)
		}
	}
}
