package peers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// play starts a server, puts the load of a scenario on it, and stops it.
func play(b testing.TB, s server, program string, in inputs, sc scenario) (figures, error) {
	b.Helper()
	r := s.start(b, program)
	defer r.stop(b)
	args := sc.args
	if sc.document != nil {
		args = append(slices.Clone(args), "--document", sc.document(in))
	}
	grown := watchKernel()
	f, err := load(b.Context(), program, s, r, args)
	kernel := float64(grown())
	if connections := f["connections"]; connections > 0 {
		f["kernel_kb_per_connection"] = kernel / 1024 / connections
	}
	return f, err
}

// load runs "yroom bench" on the clients' core.
func load(ctx context.Context, program string, s server, r *running, args []string) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	all := []string{"--cpu-list", clientCore, program, "bench", "--json", "--url", r.address, "--dialect", s.dialect}
	for _, pid := range r.pids() {
		all = append(all, "--pid", strconv.Itoa(pid))
	}
	cmd := exec.CommandContext(ctx, "taskset", append(all, args...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("it took longer than %v", patience)
	case err != nil:
		why := strings.TrimPrefix(lastLine(complaint.String()), "yroom: ")
		if different.MatchString(why) {
			return nil, fmt.Errorf("%w: %s", errDiverged, why)
		}
		return nil, errors.New(why)
	}
	var report map[string]any
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, fmt.Errorf("reading the report %q: %w", out, err)
	}
	f := figures{}
	for name, value := range report {
		if number, ok := value.(float64); ok {
			f[name] = number
		}
	}
	if cost := f["server_cpu_us_per_delivery"]; cost > 0 {
		f["deliveries_per_cpu_second"] = 1e6 / cost
	}
	if peak, ok := f["server_memory_peak_growth_kb"]; ok {
		f["server_memory_peak_mb"] = peak / 1000
	}
	return f, nil
}

// different matches the errors of "yroom bench" that say that clients held different
// documents at the end.
var different = regexp.MustCompile("the same document|the whole document|more than the document")

// lastLine returns the last line of a text, where an error is.
func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}
