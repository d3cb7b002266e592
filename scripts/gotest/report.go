package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is a line of "go test -json", see "go doc test2json".
type event struct {
	Action  string `json:"Action"`
	Package string `json:"Package"`
	Test    string `json:"Test"`
	Output  string `json:"Output"`
}

// test holds the output and the result of a test. A test without a name holds those of
// the package itself.
type test struct {
	name   string
	result string // pass, skip, fail; "": it has not ended
	output []string
}

// skipped is a test that was skipped, and why.
type skipped struct{ pkg, test, reason string }

// name returns the key of a test in report.passed.
func (s skipped) name() string { return s.pkg + " " + s.test }

// report prints the output of "go test -json" as "go test" does: for a package that
// passes, its last line; for one that fails, the whole output of each test that didn't
// pass.
type report struct {
	out     io.Writer
	module  string // the prefix of package names that summary omits
	running map[string][]*test
	passed  map[string]bool
	skipped []skipped
}

// read handles one line.
func (r *report) read(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		_, _ = r.out.Write(line)
		return
	}
	switch e.Action {
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		t := r.test(e)
		t.output = append(t.output, e.Output)
	case "pass", "fail", "skip":
		r.test(e).result = e.Action
		if e.Test == "" {
			r.end(e.Package)
		}
	}
}

// test returns the test of an event.
func (r *report) test(e event) *test {
	tests := r.running[e.Package]
	for _, t := range slices.Backward(tests) { // most likely it is the latest
		if t.name == e.Test {
			return t
		}
	}
	t := &test{name: e.Test}
	if r.running == nil {
		r.running, r.passed = map[string][]*test{}, map[string]bool{}
	}
	r.running[e.Package] = append(tests, t)
	return t
}

// end prints the output of a package that has ended, and drops it.
func (r *report) end(pkg string) {
	tests := r.running[pkg]
	delete(r.running, pkg)
	failed := r.note(pkg, tests)
	for _, t := range tests {
		for _, results := range []bool{true, false} { // "--- FAIL: …" is printed before the log of the test
			for _, line := range t.output {
				if strings.HasPrefix(line, "--- ") == results && t.shows(line, failed) {
					fmt.Fprint(r.out, line)
				}
			}
		}
	}
	for _, t := range tests {
		if t.name == "" {
			fmt.Fprint(r.out, last(t.output))
		}
	}
}

// note remembers the results of a package's tests and reports whether it failed.
func (r *report) note(pkg string, tests []*test) (failed bool) {
	for _, t := range tests {
		s := skipped{strings.TrimPrefix(strings.TrimPrefix(pkg, r.module), "/"), t.name, t.reason()}
		switch {
		case t.result == "fail":
			failed = true
		case t.name == "":
		case t.result == "pass":
			r.passed[s.name()] = true
		case t.result == "skip":
			r.skipped = append(r.skipped, s)
		}
	}
	return failed
}

// shows reports whether a line of a test's output is printed. For a package that
// failed, these are all lines of the tests that didn't pass, and what other tests wrote
// to standard output or standard error: "go test" can't tell which of the tests that
// run in parallel wrote it. The last line of a package comes at the end.
func (t *test) shows(line string, failed bool) bool {
	switch {
	case !failed, strings.HasPrefix(line, "=== "):
		return false
	case t.name == "":
		return line != last(t.output)
	case t.result == "pass", t.result == "skip":
		return !strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "--- ")
	default:
		return true
	}
}

func last(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return lines[len(lines)-1]
}

// reason returns what a test logged last.
func (t *test) reason() string {
	reason := ""
	for _, line := range t.output {
		if text, logged := strings.CutPrefix(line, "    "); logged {
			if _, message, ok := strings.Cut(text, ": "); ok {
				reason = strings.TrimSpace(message)
			}
		}
	}
	return reason
}

// summary counts the tests that were skipped in all runs, and names them.
func (r *report) summary() {
	var lines []string
	seen := map[string]bool{}
	for _, s := range r.skipped {
		if !r.passed[s.name()] && !seen[s.name()] {
			seen[s.name()] = true
			lines = append(lines, fmt.Sprintf("  %s: %s\n", strings.TrimSpace(s.name()), s.reason))
		}
	}
	switch len(lines) {
	case 0:
		fmt.Fprintln(r.out, "No test was skipped.")
	case 1:
		fmt.Fprintf(r.out, "1 test was skipped:\n%s", lines[0])
	default:
		fmt.Fprintf(r.out, "%d tests were skipped:\n%s", len(lines), strings.Join(lines, ""))
	}
}
