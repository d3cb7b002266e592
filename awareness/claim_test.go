package awareness

import (
	"slices"
	"testing"
	"time"
)

func TestClaims(t *testing.T) {
	testSequences(t, map[string][]step{
		"no other client renames, blanks or evicts": {
			{1, 0, `7@5 {"n":"ann"}`, `7@5 {"n":"ann"}`},
			{2, 0, `7@6 {"n":"eve"}`, ""},
			{2, 0, `7@7 {}`, ""},
			{2, 0, `7@8 null`, ""},
			{3, 0, `9@1 {}`, "9@1 {}"},
			{3, 0, `7@6 {}, 7@7 null`, ""},
			{1, 1, `7@6 {"n":"ann"}`, `7@6 {"n":"ann"}`},
			{2, 1, ``, ""},
			{3, 1, ``, "9@1 null"},
			{1, 1, ``, "7@6 null"},
		},
		"a client that shows nothing": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{1, 0, `7@6 null`, "7@6 null"},
			{2, 0, `7@7 {}`, ""},
			{1, 40, `7@7 {}`, "7@7 {}"},
			{0, 70, ``, "7@7 null"},
			{2, 100, `7@8 {}`, ""},
			{1, 111, ``, ""},
			{2, 125, `7@8 {}`, "7@8 {}"},
		},
		"the holder doesn't answer": {
			{1, 0, `7@5 "old"`, `7@5 "old"`},
			{2, 1, `7@5 "old"`, ""},
			{2, 1, `7@6 "new"`, ""},
			{2, 2, `7@7 "newer"`, ""},
			{3, 3, `7@8 "later"`, ""},
			{1, 6, "is silent", `7@7 "newer"`},
			{1, 6, `7@8 "old"`, ""},
			{1, 7, ``, ""},
		},
		"the holder leaves": {
			{1, 0, `7@5 "old"`, `7@5 "old"`},
			{1, 0, `8@1 {}`, "8@1 {}"},
			{2, 1, `7@6 "new"`, ""},
			{1, 2, ``, `7@6 "new", 8@1 null`},
			{2, 3, `7@7 "newer"`, `7@7 "newer"`},
			{2, 3, ``, "7@7 null"},
		},
		"the holder is there": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{2, 1, `7@6 "eve"`, ""},
			{1, 2, `9@1 {}`, "9@1 {}"},
			{1, 3, ``, "7@5 null, 9@1 null"},
		},
		"a claim is forgotten": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{2, 1, `7@6 "new"`, ""},
			{1, 11, "is silent", ""},
			{3, 12, `7@6 "newer"`, ""},
			{1, 13, "is silent", `7@6 "newer"`},
		},
		"a claim is withdrawn": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{2, 1, `7@6 {}`, ""},
			{2, 1, `7@7 null`, ""},
			{3, 1, `7@6 {}`, ""},
			{3, 1, ``, ""},
			{1, 2, ``, "7@5 null"},
		},
		"the user has reconnected": {
			{1, 0, "joins as ada", ""},
			{1, 0, `7@5 {}`, "7@5 {}"},
			{2, 1, "joins as ada", ""},
			{2, 1, `7@5 {}`, "7@5 {}"},
			{1, 1, ``, ""},
			{3, 1, "joins as bob", ""},
			{3, 1, `7@6 {}`, ""},
			{2, 2, ``, "7@6 {}"},
		},
		"silence without a claim": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{1, 1, "is silent", ""},
			{9, 1, "is silent", ""},
			{1, 2, `7@6 {}`, "7@6 {}"},
		},
	})
}

func TestDisputed(t *testing.T) {
	a := New(Config{IDs: 1})
	apply := func(now int64, conn, own uint64, entry string, want ...uint64) {
		t.Helper()
		if _, err := a.Apply(conn, own, raw(t, entry), time.Unix(now, 0)); err != nil {
			t.Fatal(err)
		}
		if got := a.Disputed(); !slices.Equal(got, want) {
			t.Errorf("disputed with %v, want %v", got, want)
		}
	}
	apply(0, 1, 7, `7@5 {}`)
	apply(0, 2, 7, `7@5 {}`)    // it may be forwarded
	apply(0, 3, 9, `7@6 {}`)    // not its own
	apply(0, 2, 7, `7@6 {}`, 1) // a claim
	apply(1, 2, 7, `7@7 {}`)    // asked already
	apply(1, 4, 7, `7@7 {}`)
	apply(10, 4, 7, `7@7 {}`, 1)
	a.Leave(4, time.Unix(10, 0))
	if len(a.claims) != 0 {
		t.Errorf("a claim of a connection that has left: %v", a.claims)
	}
	// A connection with as many states as it may have takes over no more.
	apply(20, 2, 7, `9@1 {}`)
	apply(20, 2, 7, `7@6 {}`, 1)
	if got := text(t, a.Leave(1, time.Unix(21, 0))); got != "7@5 null" {
		t.Errorf("the holder leaves: %s", got)
	}
	a.Leave(2, time.Unix(21, 0))
	a.Leave(3, time.Unix(21, 0))
	if n := len(a.members) + len(a.holders) + len(a.claims) + a.claimed; n != 0 {
		t.Errorf("%d entries remain of connections that have left", n)
	}
}

// A holder whose update is malformed hasn't answered: its connection ends for it, and the
// claimant must hold the client id then.
func TestMalformedDoesNotAnswer(t *testing.T) {
	a := New(Config{})
	for i, entry := range []string{`7@5 "old"`, `7@6 "new"`} {
		if _, err := a.Apply(uint64(i+1), 7, raw(t, entry), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.Apply(1, 7, []byte{0xff}, time.Unix(1, 0)); err == nil {
		t.Fatal("a malformed update was accepted")
	}
	if got := text(t, a.Leave(1, time.Unix(1, 0))); got != `7@6 "new"` {
		t.Errorf("the holder leaves: %s", got)
	}
}
