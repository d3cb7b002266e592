package awareness

import "testing"

func TestOwn(t *testing.T) {
	for name, c := range map[string]struct {
		updates [][]string
		want    string
	}{
		"nothing":                   {nil, ""},
		"the first":                 {[][]string{{`7@1 {}`}}, "7@1 {}"},
		"the latest":                {[][]string{{`7@1 {}`}, {`7@2 {"a":1}`}, {`7@2 {"b":1}`}}, `7@2 {"b":1}`},
		"an older one":              {[][]string{{`7@2 {}`}, {`7@1 1`}}, "7@2 {}"},
		"states of others":          {[][]string{{`7@1 {}`}, {`8@9 {}`}, {`8@9 {}`, `7@2 2`, `9@1 {}`}}, "7@2 2"},
		"null":                      {[][]string{{`7@1 {}`}, {`7@2 null`}}, ""},
		"null, then a state":        {[][]string{{`7@1 null`}, {`7@2 {}`}}, "7@2 {}"},
		"two clients in the first":  {[][]string{{`7@1 {}`, `8@1 {}`}, {`7@2 {}`}}, ""},
		"the id 0":                  {[][]string{{`0@1 {}`}}, ""},
		"a state that is too large": {[][]string{{`7@1 {}`}, {`7@2 "` + string(make([]byte, ownSize)) + `"`}}, "7@1 {}"},
	} {
		t.Run(name, func(t *testing.T) {
			var o Own
			for _, entries := range c.updates {
				update := raw(t, entries...)
				o.Note(update)
				clear(update) // it was borrowed
			}
			o.Note([]byte{1}) // malformed
			if got := text(t, o.Update()); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
