package awareness

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// States that are only renewed are returned by Renewals: each once, with its last clock, and only
// those that have neither changed nor been removed meanwhile.
func TestRenewals(t *testing.T) {
	a := New(Config{})
	apply := func(conn uint64, second int, entries, want string) {
		t.Helper()
		changed, err := a.Apply(conn, conn, raw(t, entries), time.Unix(int64(second), 0))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, text(t, changed)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", entries, diff)
		}
	}
	due := func(want time.Time, entries string) {
		t.Helper()
		if got := a.Deadline(); !got.Equal(want) {
			t.Errorf("renewals are due at %v, want %v", got, want)
		}
		if diff := cmp.Diff(entries, text(t, a.Renewals())); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		if a.Expire(want); a.Renewals() != nil {
			t.Error("renewals are left")
		}
	}
	for conn := uint64(1); conn <= 4; conn++ {
		a.Join(conn, "")
	}
	apply(1, 0, `1@1 {}`, `1@1 {}`)
	apply(2, 0, `2@1 {}`, `2@1 {}`)
	apply(3, 0, `3@1 {}`, `3@1 {}`)
	for clock, entry := range []string{`1@2 {}`, `1@3 {}`, `1@4 {}`} {
		apply(1, 10+clock, entry, "")
	}
	apply(2, 11, `2@2 {}`, "")
	apply(2, 11, `2@3 "moved"`, `2@3 "moved"`)
	apply(3, 11, `3@2 {}`, "")
	a.Leave(3, time.Unix(11, 0))
	due(time.Unix(10, 0).Add(renewalDelay), `1@4 {}`)

	// A client that has left and comes back with its last clock isn't shown before its clock
	// increases, so that can't wait.
	a.Join(3, "")
	apply(3, 13, `3@2 {}`, `3@2 {}`)
	apply(3, 13, `3@3 {}`, `3@3 {}`)
	apply(3, 14, `3@4 {}`, "")
	due(time.Unix(14, 0).Add(renewalDelay), `3@4 {}`)
}
