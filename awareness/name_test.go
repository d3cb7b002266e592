package awareness

import (
	"errors"
	"testing"
)

func TestNamed(t *testing.T) {
	for state, want := range map[string]string{
		`{}`:                                     `{"user":{"name":"Ada \"A\""}}`,
		`{"user":{"name":"Bob","color":"#f00"}}`: `{"user":{"color":"#f00","name":"Ada \"A\""}}`,
		`{"user":"Bob","cursor":{"a":1e400}}`:    `{"cursor":{"a":1e400},"user":{"name":"Ada \"A\""}}`,
		`{"user":null}`:                          `{"user":{"name":"Ada \"A\""}}`,
		`{"user":{"name":"a"},"user":{"name":"b"},"x":1}`: `{"user":{"name":"Ada \"A\""},"x":1}`,
		`{"user":{"name":"a","name":"b"}}`:                `{"user":{"name":"Ada \"A\""}}`,
		` {"User":{"name":"b"}} `:                         `{"User":{"name":"b"},"user":{"name":"Ada \"A\""}}`,
		`null`:                                            `null`,
		`["user"]`:                                        `["user"]`,
		`"user"`:                                          `"user"`,
	} {
		got, err := Named(encode([]entry{{7, 3, []byte(state)}, {9, 1, nil}}), `Ada "A"`)
		if err != nil {
			t.Errorf("%s: %v", state, err)
			continue
		}
		var texts []string
		if err := each(got, func(e entry) error {
			if e.id == 7 && e.clock != 3 || e.id == 9 && e.clock != 1 {
				t.Errorf("%s: client %d has the clock %d", state, e.id, e.clock)
			}
			if e.state == nil {
				e.state = null
			}
			texts = append(texts, string(e.state))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if len(texts) != 2 || texts[0] != want || texts[1] != "null" {
			t.Errorf("%s: %q, want %q and null", state, texts, want)
		}
	}
}

func TestNamedRefuses(t *testing.T) {
	if _, err := Named([]byte{1, 7}, "Ada"); !errors.Is(err, ErrMalformed) {
		t.Errorf("malformed update: %v", err)
	}
	if _, err := Named(encode([]entry{{7, 3, []byte(`{"user":`)}}), "Ada"); err == nil {
		t.Error("a state that isn't JSON has a name")
	}
}
