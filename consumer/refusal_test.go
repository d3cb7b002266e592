package consumer

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestRefusalOf(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want Refusal
	}{
		"a limit":                      {errFull, RefusalConnections},
		"a limit, wrapped":             {fmt.Errorf("hook: %w", errTooFast), RefusalJoins},
		"a hook that lacks a token":    {&StatusError{Status: 401}, RefusalUnauthorized},
		"a hook that refuses":          {&StatusError{Status: 403}, RefusalForbidden},
		"a hook with any other status": {&StatusError{Status: 418}, RefusalForbidden},
		"a hook with no status":        {&StatusError{Status: 1000}, RefusalForbidden},
		"a hook that can't decide":     {&StatusError{Status: 503}, RefusalUndecided},
		"any error of a hook":          {errors.New("no"), RefusalForbidden},
		"a panic":                      {errPanic, RefusalFault},
	} {
		got := refusalOf(tc.err)
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		if !slices.Contains(Refusals(), got) {
			t.Errorf("%q is not among all", got)
		}
	}
}
