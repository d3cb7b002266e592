package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	got := split([]string{"-race", "./...", "--", "./a"})
	if diff := cmp.Diff([][]string{{"-race", "./..."}, {"./a"}}, got); diff != "" {
		t.Errorf("runs (-want +got):\n%s", diff)
	}
}

// feed reads events, each written as "action package test output", where "-" is
// a package's own.
func feed(t *testing.T, r *report, events string) {
	t.Helper()
	for line := range strings.Lines(strings.TrimSpace(events)) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 4)
		e := event{Action: fields[0], Package: "example.com/m/" + fields[1], Test: strings.Trim(fields[2], "-")}
		if len(fields) > 3 {
			e.Output = strings.ReplaceAll(fields[3], "_", " ") + "\n"
		}
		encoded, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		r.read(append(encoded, '\n'))
	}
}

func TestReport(t *testing.T) {
	var out strings.Builder
	r := report{out: &out, module: "example.com/m"}
	r.read([]byte("not JSON\n"))
	feed(t, &r, `
		output a TestPass ===_RUN
		output a TestPass ____a.go:3:_hidden
		output b TestFail ===_RUN
		output b TestFail ____b.go:1:_shown
		output b TestFail/sub ____b.go:2:_deeper
		output b TestFail/sub ---_FAIL:_sub
		fail b TestFail/sub
		output b TestFail ---_FAIL:_TestFail
		fail b TestFail
		pass a TestPass
		output a TestSkip ____a.go:4:_strace_is_not_installed
		output a TestSkip ---_SKIP:_TestSkip
		skip a TestSkip
		output a TestSlow ____a.go:5:_the_race_detector_is_slow
		skip a TestSlow
		output a - PASS
		output a - ok_a
		pass a -
		output b TestOK ____b.go:3:_hidden
		output b TestOK WARNING:_DATA_RACE
		pass b TestOK
		output b TestPanics panic:_boom
		output b - FAIL
		output b - FAIL_b
		fail b -
		output none - ?_none
		skip none -
		pass a TestSlow
		pass a -
	`)
	r.summary()
	want := `not JSON
ok a
--- FAIL: TestFail
    b.go:1: shown
--- FAIL: sub
    b.go:2: deeper
WARNING: DATA RACE
panic: boom
FAIL
FAIL b
? none
1 test was skipped:
  a TestSkip: strace is not installed
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("the report (-want +got):\n%s", diff)
	}
}

func TestNoneSkipped(t *testing.T) {
	var out strings.Builder
	r := report{out: &out}
	r.summary()
	if want := "No test was skipped.\n"; out.String() != want {
		t.Errorf("the summary is %q, want %q", out.String(), want)
	}
}
