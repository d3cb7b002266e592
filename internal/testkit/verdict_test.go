package testkit

import "testing"

func TestVerdict(t *testing.T) {
	for _, test := range []struct {
		value, least, most float64
		want               string
	}{
		{2, 2, 0, "met     it: 2.00 (at least 2)\n"},
		{1.5, 2, 0, "missed  it: 1.50 (at least 2)\n"},
		{-0.5, 0, 3, "met     it: -0.50 (at most 3)\n"},
		{3.5, 0, 3, "missed  it: 3.50 (at most 3)\n"},
	} {
		if got := Verdict("it", test.value, test.least, test.most); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}
