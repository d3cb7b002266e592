package room

import (
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
)

// Of another worker's snapshot only what is new is broadcast.
func TestMergeSnapshot(t *testing.T) {
	r := New(Config{})
	text := strings.Repeat("x", 1<<20)
	if err := r.Load(testkit.TypedIn("t", 7, 0, text), blocks.V1); err != nil {
		t.Fatal(err)
	}
	r.Step(at(1), []event.Input{{Kind: event.InputJoin, Conn: 1}})
	e, err := r.Merge(at(2), testkit.TypedIn("t", 7, 0, text+"y"), blocks.V1)
	if err != nil || e.Update != nil || len(e.Durable) != 1 {
		t.Fatalf("%d outputs, %v", len(e.Durable), err)
	}
	if n := len(e.Durable[0].Message.Data); n > 100 {
		t.Errorf("one new character is broadcast in %d bytes", n)
	}
}
