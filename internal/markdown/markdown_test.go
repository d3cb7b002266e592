package markdown

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	got := read("# Page\n\n```go\na := 1\n\nb := 2\n```\ntext\n```\nplain\n```\n```sh\n```\n")
	want := []Block{
		{Line: 3, Language: "go", Text: "a := 1\n\nb := 2\n"},
		{Line: 9, Text: "plain\n"},
		{Line: 12, Language: "sh"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("blocks (-want +got):\n%s", diff)
	}
}
