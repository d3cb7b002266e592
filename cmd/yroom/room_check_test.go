package main

import (
	"testing"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
)

// The order in which roots arrive, and so their order in JSON, doesn't make a document
// another one.
func TestCheckWholeInAnyOrder(t *testing.T) {
	first, second := testkit.TypedIn("b", 1, 0, "x"), testkit.TypedIn("a", 2, 0, "y")
	for _, updates := range [][][]byte{{first, second}, {second, first}} {
		if err := checkWhole(encoded{updates[0], blocks.V1}, encoded{updates[1], blocks.V1}); err != nil {
			t.Error(err)
		}
	}
}

func TestSameJSON(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[{"c":"x","d":null}]}`, `{"b":[{"d":null,"c":"x"}],"a":1}`, true},
		{`{"a":1}`, `{"a":2}`, false},
		{`{"a":[1,2]}`, `{"a":[2,1]}`, false},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, false},
		{"", "", true}, // too large to be printed
		{"", `{}`, false},
	} {
		if got := sameJSON([]byte(test.a), []byte(test.b)); got != test.want {
			t.Errorf("%s and %s: %v, want %v", test.a, test.b, got, test.want)
		}
	}
}
