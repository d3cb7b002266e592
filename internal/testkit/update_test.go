package testkit_test

import (
	"strings"
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/yjs"
)

func TestTyped(t *testing.T) {
	long := strings.Repeat("long ", 100)
	doc := yjs.New()
	for _, update := range [][]byte{
		testkit.Typed(7, 0, "ab"),
		testkit.Typed(7, 2, "c"),
		testkit.Typed(7, 3, long),
		testkit.Typed(7, 503, "."),
		testkit.TypedIn("other", 300, 0, "é"),
		testkit.TypedIn("other", 300, 1, "!"),
	} {
		if err := doc.Apply(update, blocks.V1); err != nil {
			t.Fatalf("%x: %v", update, err)
		}
	}
	for root, want := range map[string]string{"text": "abc" + long + ".", "other": "é!"} {
		text, err := doc.Text(root)
		if err != nil {
			t.Fatal(err)
		}
		if got := text.String(); got != want {
			t.Errorf("%s reads %q, want %q", root, got, want)
		}
	}
}
