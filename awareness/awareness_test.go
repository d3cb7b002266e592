package awareness

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/lib0"
)

// raw returns an update of entries such as `7@2 {"a":1}`, in the given order.
func raw(tb testing.TB, entries ...string) []byte {
	tb.Helper()
	out := lib0.AppendUint(nil, uint64(len(entries)))
	for _, s := range entries {
		var id, clock uint64
		head, state, _ := strings.Cut(s, " ")
		if _, err := fmt.Sscanf(head, "%d@%d", &id, &clock); err != nil {
			tb.Fatalf("%q: %v", s, err)
		}
		out = lib0.AppendUint(out, id)
		out = lib0.AppendUint(out, clock)
		out = lib0.AppendString(out, state)
	}
	return out
}

// text is the inverse of raw. It returns "" for nil.
func text(tb testing.TB, update []byte) string {
	tb.Helper()
	if update == nil {
		return ""
	}
	var out []string
	if err := each(update, func(e entry) error {
		if e.state == nil {
			e.state = null
		}
		out = append(out, fmt.Sprintf("%d@%d %s", e.id, e.clock, e.state))
		return nil
	}); err != nil {
		tb.Fatalf("%x: %v", update, err)
	}
	return strings.Join(out, ", ")
}

// step is one call in a test, and the update that it should return.
type step struct {
	conn   uint64 // the connection that sends the update or leaves
	at     int    // time in seconds
	update string // entries, "joins", "joins as USER" or "is silent"; if "", conn leaves, or states expire if conn is 0
	want   string
}

func TestSequences(t *testing.T) {
	testSequences(t, map[string][]step{
		"first clock is 1": {
			{1, 0, `7@0 {}`, ""},
			{1, 0, `7@1 {}`, "7@1 {}"},
		},
		"higher clocks only": {
			{1, 0, `7@5 "a"`, `7@5 "a"`},
			{1, 1, `7@5 "b"`, ""},
			{1, 1, `7@4 "b"`, ""},
			{1, 1, `7@6 "b"`, `7@6 "b"`},
		},
		"null from the owner": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{1, 0, `7@4 null`, ""},
			{1, 0, `7@5 null`, "7@5 null"},
			{1, 0, `7@6 null`, ""},
		},
		"null with a higher clock": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{1, 0, `7@9 null`, "7@9 null"},
			{1, 0, `7@9 {}`, ""},
			{1, 0, `7@10 {}`, "7@10 {}"},
		},
		"null in white space": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{1, 0, "7@5 \t\r\n null ", "7@5 null"},
		},
		"null from a connection that is not the owner": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{2, 0, `7@5 null`, ""},
			{2, 0, `7@6 null`, ""},
		},
		"null of an unknown client": {
			{1, 0, `7@5 null`, ""},
		},
		"another connection of the user becomes the owner": {
			{1, 0, "joins as ada", ""},
			{2, 0, "joins as ada", ""},
			{1, 0, `7@5 {}`, "7@5 {}"},
			{2, 0, `7@6 {}`, "7@6 {}"},
			{1, 0, `7@7 null`, ""},
			{1, 0, ``, ""},
			{2, 0, ``, "7@6 null"},
		},
		"a forwarded state doesn't change the owner": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{2, 0, `7@5 {}`, ""},
			{2, 0, ``, ""},
			{1, 0, ``, "7@5 null"},
		},
		"a reconnected client has the same clock, and is removed when it leaves": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{1, 0, ``, "7@5 null"},
			{2, 0, "joins", ""},
			{2, 0, `7@4 {}`, ""},
			{2, 0, `7@5 {}`, "7@5 {}"},
			{2, 0, ``, "7@5 null"},
			{2, 0, ``, ""},
		},
		"a forwarded state doesn't bring back a client that left": {
			{2, 0, "joins", ""},
			{1, 0, `7@5 {}`, "7@5 {}"},
			{1, 1, ``, "7@5 null"},
			{2, 1, `7@5 {}`, ""},
			{3, 2, "joins", ""},
			{3, 2, `7@5 {}`, "7@5 {}"},
			{2, 3, `7@5 {}`, ""},
			{3, 4, ``, "7@5 null"},
			{2, 4, `7@6 {}`, "7@6 {}"},
		},
		"a forwarded state belongs to its client once that has sent it": {
			{2, 0, `9@1 {}`, "9@1 {}"},
			{2, 0, `7@5 {}`, "7@5 {}"},
			{1, 1, `7@5 {}`, "7@5 {}"},
			{1, 2, `7@6 {}`, "7@6 {}"},
			{2, 2, `7@7 {}`, ""},
			{2, 3, ``, "9@1 null"},
		},
		"a forwarded state that isn't renewed belongs to its client": {
			{2, 0, `7@5 {}`, "7@5 {}"}, // the first from a connection without a state of its own
			{1, 1, `7@5 {}`, ""},
			{1, 15, `7@6 {}`, ""},
			{0, 30, ``, "7@5 null"},
			{1, 31, `7@7 {}`, "7@7 {}"},
			{2, 32, `7@8 {}`, ""},
		},
		"a clock out of range": {
			{1, 0, `7@1099511627777 {}`, ""},
			{1, 0, `7@1099511627776 {}`, "7@1099511627776 {}"},
			{2, 0, `3@1 {}, 8@5 {}`, "3@1 {}, 8@5 {}"}, // of which neither is its own
			{1, 0, `8@9007199254740991 {}`, ""},
			{1, 0, `8@1048582 {}`, ""},
			{1, 0, `8@1048581 {}`, "8@1048581 {}"},
			{1, 0, `8@9007199254740991 null`, ""},
			{1, 0, ``, "7@1099511627776 null, 8@1048581 null"},
			{3, 0, "joins", ""},
			{3, 0, `8@9007199254740991 {}`, ""},
			{3, 0, `8@1048581 {}`, "8@1048581 {}"},
		},
		"a removal is forgotten after the timeout": {
			{1, 0, `7@5 {}`, "7@5 {}"},
			{1, 1, ``, "7@5 null"},
			{0, 30, ``, ""},
			{2, 30, `7@5 {}`, ""},
			{0, 31, ``, ""},
			{2, 31, `7@5 {}`, "7@5 {}"},
		},
		"leaving removes exactly the states that are owned": {
			{1, 0, `9@1 {}, 7@1 {}, 8@1 {}`, "7@1 {}, 8@1 {}, 9@1 {}"},
			{2, 0, `8@2 {}, 300@1 {}`, "8@2 {}, 300@1 {}"},
			{1, 0, ``, "7@1 null, 9@1 null"},
		},
		"expiry": {
			{1, 0, `7@1 {}`, "7@1 {}"},
			{2, 20, `8@1 {}`, "8@1 {}"},
			{0, 29, ``, ""},
			{0, 30, ``, "7@1 null"},
			{0, 49, ``, ""},
			{0, 50, ``, "8@1 null"},
			{1, 60, `7@2 {}`, "7@2 {}"},
		},
		"renewal": {
			{1, 0, `7@1 {}`, "7@1 {}"},
			{1, 29, `7@2 {}`, "7@2 {}"},
			{2, 31, `7@2 {}`, ""},
			{0, 58, ``, ""},
			{0, 59, ``, "7@2 null"},
		},
		"one client twice in an update": {
			{1, 0, `7@2 "a", 7@1 "b"`, `7@2 "a"`},
			{1, 0, `7@3 "b", 7@4 "c"`, `7@4 "c"`},
			{1, 0, `7@4 null, 7@3 "d"`, `7@4 null`},
			{1, 0, `7@5 null, 7@5 "d"`, `7@5 "d"`},
			{1, 0, `7@5 "e", 7@5 null`, `7@5 null`},
			{1, 0, ``, ""},
		},
	})
}

// testSequences runs sequences of calls. The own client of a connection is the one of
// its first update, if that has one entry.
func testSequences(t *testing.T, sequences map[string][]step) {
	t.Helper()
	for name, steps := range sequences {
		t.Run(name, func(t *testing.T) {
			a := New(Config{})
			owns := make(map[uint64]*Own)
			for i, s := range steps {
				now := time.Unix(int64(s.at), 0)
				var got []byte
				switch {
				case strings.HasPrefix(s.update, "joins"):
					_, user, _ := strings.Cut(s.update, " as ")
					a.Join(s.conn, user)
				case s.update == "is silent":
					got = a.Silent(s.conn, now)
				case s.update != "":
					in := raw(t, strings.Split(s.update, ", ")...)
					if owns[s.conn] == nil {
						owns[s.conn] = new(Own)
					}
					owns[s.conn].Note(in)
					var err error
					if got, err = a.Apply(s.conn, owns[s.conn].Client(), in, now); err != nil {
						t.Fatalf("step %d: %v", i, err)
					}
					clear(in) // it was borrowed
					got = withRenewals(t, a, got)
				case s.conn != 0:
					got = a.Leave(s.conn, now)
				default:
					got = a.Expire(now)
				}
				if diff := cmp.Diff(s.want, text(t, got)); diff != "" {
					t.Errorf("step %d: (-want +got)\n%s", i, diff)
				}
			}
		})
	}
}

func TestEncode(t *testing.T) {
	a := New(Config{})
	if got := a.Encode(); got != nil {
		t.Errorf("no states: %x", got)
	}
	mustApply(t, a, 1, `300@2 {"n":"b"}`)
	mustApply(t, a, 2, `7@1 {}`)
	changed := mustApply(t, a, 1, `300@3 {"n":"c"}`)
	want := raw(t, `7@1 {}`, `300@3 {"n":"c"}`)
	if diff := cmp.Diff(want, a.Encode()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	mustApply(t, a, 1, `300@4 {"n":"d"}`)
	if got := text(t, changed); got != `300@3 {"n":"c"}` {
		t.Errorf("the result of Apply changed later: %s", got)
	}
}

func mustApply(tb testing.TB, a *Awareness, conn uint64, entries ...string) []byte {
	tb.Helper()
	return mustApplyAt(tb, a, conn, time.Unix(0, 0), entries...)
}

func mustApplyAt(tb testing.TB, a *Awareness, conn uint64, now time.Time, entries ...string) []byte {
	tb.Helper()
	changed, err := a.Apply(conn, 0, raw(tb, entries...), now)
	if err != nil {
		tb.Fatal(err)
	}
	return withRenewals(tb, a, changed)
}

// withRenewals returns changed with what Renewals returns, or nil if there is neither.
func withRenewals(tb testing.TB, a *Awareness, changed []byte) []byte {
	tb.Helper()
	renewed := a.Renewals()
	if changed == nil || renewed == nil {
		return append(changed, renewed...)
	}
	all, err := Merge(renewed, changed)
	if err != nil {
		tb.Fatal(err)
	}
	return all
}

func TestApplyRefuses(t *testing.T) {
	deep := strings.Repeat("[", lib0.MaxDepth+1) + strings.Repeat("]", lib0.MaxDepth+1)
	good := `8@9 {}`
	cfg := Config{IDs: 3, Size: 2000}
	for name, c := range map[string]struct {
		update []byte
		want   error
		says   string
	}{
		"no bytes":            {nil, ErrMalformed, "ends too early"},
		"half an entry":       {[]byte{1, 7, 1}, ErrMalformed, "ends too early"},
		"lying count":         {append([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}, raw(t, good)[1:]...), ErrMalformed, "ends too early"},
		"lying length":        {[]byte{1, 7, 1, 0xff, 0xff, 3, '{', '}'}, ErrMalformed, "ends too early"},
		"trailing bytes":      {append(raw(t, good), 0), ErrMalformed, "input continues"},
		"large clock":         {[]byte{1, 7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 2, '{', '}'}, ErrMalformed, "2^53-1"},
		"empty state":         {raw(t, good, `7@6 `), ErrMalformed, "client 7"},
		"not JSON":            {raw(t, good, `7@6 {x}`), ErrMalformed, "client 7: not valid JSON"},
		"old clock, not JSON": {raw(t, good, `7@1 undefined`), ErrMalformed, "client 7: not valid JSON"},
		"two values":          {raw(t, good, `7@6 {}{}`), ErrMalformed, "client 7"},
		"too deep":            {raw(t, good, `7@6 `+deep), ErrMalformed, "client 7: value is nested too deeply"},
		"not UTF-8":           {raw(t, good, "7@6 \"\xff\""), ErrMalformed, "UTF-8"},
		"surrogate":           {raw(t, good, "7@6 \"\xed\xa0\x80\""), ErrMalformed, "UTF-8"},
		"large state":         {raw(t, good, `7@6 "`+strings.Repeat("a", 1999)+`"`), ErrLimit, "2001 bytes, more than 2000"},
		"too many at once":    {raw(t, `1@1 {}`, `2@1 {}`, `3@1 {}`), ErrLimit, "more than 3 client ids"},
	} {
		t.Run(name, func(t *testing.T) {
			a := New(cfg)
			mustApply(t, a, 1, `7@5 {}`)
			before, deadline := a.Encode(), a.Deadline()
			changed, err := a.Apply(1, 0, c.update, time.Unix(9, 0))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %v with %q", err, c.want, c.says)
			}
			if changed != nil {
				t.Errorf("changed %x", changed)
			}
			a.encoded = nil
			if diff := cmp.Diff(before, a.Encode()); diff != "" {
				t.Errorf("state (-before +after)\n%s", diff)
			}
			if !a.Deadline().Equal(deadline) {
				t.Errorf("deadline %v, before %v", a.Deadline(), deadline)
			}
		})
	}
}

func TestIDsAreCounted(t *testing.T) {
	a := New(Config{IDs: 2})
	mustApply(t, a, 1, `1@1 {}`, `2@1 {}`)
	mustApply(t, a, 2, `2@2 {}`)             // client 2 has another owner now
	mustApply(t, a, 1, `3@1 {}`)             // so connection 1 may own another client
	mustApply(t, a, 1, `3@2 null`, `4@1 {}`) // a removed client doesn't count
	mustApply(t, a, 1, `2@2 {}`, `9@0 {}`)   // refused entries don't count
	if _, err := a.Apply(1, 0, raw(t, `5@1 {}`), time.Unix(0, 0)); !errors.Is(err, ErrLimit) {
		t.Fatalf("error %v, want ErrLimit", err)
	}
	a.Leave(1, time.Unix(0, 0))
	a.Leave(2, time.Unix(0, 0))
	if len(a.members)+len(a.states) != 0 || a.size != 0 {
		t.Errorf("remaining: %v, %v of %d bytes", a.members, a.states, a.size)
	}
}

func TestDeadline(t *testing.T) {
	a := New(Config{Timeout: 10 * time.Second})
	at := func(s int64) time.Time { return time.Unix(s, 0) }
	check := func(want time.Time) {
		t.Helper()
		if got := a.Deadline(); !got.Equal(want) {
			t.Errorf("deadline %v, want %v", got, want)
		}
	}
	apply := func(conn uint64, entry string, now time.Time) {
		t.Helper()
		if _, err := a.Apply(conn, 0, raw(t, entry), now); err != nil {
			t.Fatal(err)
		}
	}
	check(time.Time{})
	apply(1, `7@1 {}`, at(100))
	check(at(110))
	apply(2, `8@1 {}`, at(105))
	check(at(110))
	apply(1, `7@2 {}`, at(108))
	check(at(110)) // Deadline may be too early
	a.Expire(at(110))
	check(at(115))
	a.Leave(2, at(111))
	a.Expire(at(115))
	check(at(118))
	a.Expire(at(118))
	check(time.Time{})
	apply(1, `7@3 {}`, at(120))
	a.Leave(1, at(121))
	check(time.Time{})
}

// TestRemovalsAreForgotten checks that removals are remembered for the timeout, and
// that their number is bounded.
func TestRemovalsAreForgotten(t *testing.T) {
	a := New(Config{})
	for i := range uint64(3 * maxRemovals) {
		now := time.Unix(int64(i), 0)
		if _, err := a.Apply(i+1, 0, raw(t, fmt.Sprintf("%d@1 {}", i+1)), now); err != nil {
			t.Fatal(err)
		}
		a.Leave(i+1, now)
		if got := text(t, mustApplyAt(t, a, 1<<40, now, fmt.Sprintf("%d@1 {}", i+1))); got != "" {
			t.Fatalf("removal %d is not remembered: %s", i, got)
		}
	}
	// More removals at once than are remembered.
	now := time.Unix(3*maxRemovals, 0)
	for i := range uint64(2 * maxRemovals) {
		mustApplyAt(t, a, i+1, now, fmt.Sprintf("%d@1 {}", i+1))
		a.Leave(i+1, now)
	}
	if len(a.removals) > maxRemovals {
		t.Errorf("%d removals are remembered", len(a.removals))
	}
	if got := text(t, mustApplyAt(t, a, 1<<40, now, fmt.Sprintf("%d@1 {}", 2*maxRemovals))); got != "" {
		t.Errorf("a forwarded state brings back a client whose removal isn't remembered: %s", got)
	}
	a.Join(1<<41, "")
	if got := text(t, mustApplyAt(t, a, 1<<41, now, fmt.Sprintf("%d@1 {}", 2*maxRemovals))); got == "" {
		t.Error("a connection that joined later is refused")
	}
	if got := text(t, mustApplyAt(t, a, 1<<40, now.Add(30*time.Second), fmt.Sprintf("%d@1 {}", maxRemovals))); got == "" {
		t.Error("a removal is remembered for longer than the timeout")
	}
}

func TestMerge(t *testing.T) {
	got, err := Merge(raw(t, `9@1 {}`, `7@1 {}`), []byte{0}, raw(t, `8@3 "x"`, `7@1 null`), raw(t, `9@2 "y"`))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(`7@1 null, 8@3 "x", 9@2 "y"`, text(t, got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got, err := Merge(); err != nil || !cmp.Equal(got, []byte{0}) {
		t.Errorf("merge of no updates: %x, %v", got, err)
	}
	if _, err := Merge([]byte{0}, []byte{1}); !errors.Is(err, ErrMalformed) {
		t.Errorf("error %v, want ErrMalformed", err)
	}
}

func FuzzApply(f *testing.F) {
	f.Add(raw(f, `7@5 {}`))
	f.Add(raw(f, `7@6 {"user":{"name":"é"}}`, `8@1 null`, `8@2 [1,"\ud800"]`))
	f.Add(raw(f, `7@6 `, `300@70000 x`))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f, 7, 1, 2, '{', '}'})
	f.Fuzz(func(t *testing.T, update []byte) {
		a := New(Config{})
		mustApply(t, a, 1, `7@5 {}`)
		mustApply(t, a, 2, `8@5 {}`)
		before := a.Encode()
		changed, err := a.Apply(1, 0, update, time.Unix(1, 0))
		if changed == nil {
			if !cmp.Equal(before, a.Encode()) {
				t.Fatalf("state changed, but no update was returned; error %v", err)
			}
			return
		}
		if err != nil {
			t.Fatalf("changed %x and error %v", changed, err)
		}
		// A client that gets what was accepted has the same states.
		peer := New(Config{})
		if _, err := peer.Apply(3, 0, before, time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		merged, err := Merge(before, changed)
		if err != nil {
			t.Fatal(err)
		}
		if err := each(merged, func(e entry) error {
			p, held := a.states[e.id]
			if held != (e.state != nil) || held && (p.clock != e.clock || !cmp.Equal(p.state, e.state)) {
				return fmt.Errorf("client %d: the update has %d %s, the state is %v", e.id, e.clock, e.state, p)
			}
			if held {
				return lib0.CheckJSON(p.state)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// TestReturned returns with a clock that others have seen end, and with others.
func TestReturned(t *testing.T) {
	for name, test := range map[string]struct {
		own, clock, later uint64
		leaves            bool
		want              string
	}{
		"the same clock":                   {own: 7, clock: 5, want: "2: 7@5 null"},
		"a higher clock":                   {own: 7, clock: 6},
		"the same clock, and then another": {own: 7, clock: 5, later: 6},
		"the same clock, and gone again":   {own: 7, clock: 5, leaves: true},
		"a state of another client":        {own: 8, clock: 5},
	} {
		a, now := New(Config{}), time.Unix(0, 0)
		apply := func(conn, own, clock uint64) {
			if _, err := a.Apply(conn, own, raw(t, fmt.Sprintf("7@%d {}", clock)), now); err != nil {
				t.Fatal(err)
			}
		}
		a.Join(1, "")
		apply(1, 7, 5)
		a.Leave(1, now)
		a.Join(2, "")
		apply(2, test.own, test.clock)
		if test.later > 0 {
			apply(2, test.own, test.later)
		}
		if test.leaves {
			a.Leave(2, now)
		}
		got := ""
		each := func(conn uint64, null []byte) { got += fmt.Sprintf("%d: %s", conn, text(t, null)) }
		a.Returned(each)
		a.Returned(each)
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
