package peers_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// play starts a server, puts the load of a scenario on it, and stops it.
func play(b testing.TB, s server, program string, in inputs, sc scenario) (figures, error) {
	b.Helper()
	r, err := s.start(b, program)
	defer r.stop(b)
	if err != nil {
		return nil, err
	}
	grown := watchKernel()
	f, err := load(b, program, s, r, sc.restarts, append(sc.args, sc.file(in)...))
	kernel := float64(grown())
	if connections := f["connections"]; connections > 0 {
		f["kernel_kb_per_connection"] = kernel / 1024 / connections
	}
	if err == nil && sc.restarts && r.metrics != "" {
		f.derive("loads_per_room", r.loads(b), "rooms")
	}
	return f, err
}

var loadsMetric = regexp.MustCompile(`(?m)^yroom_load_duration_seconds_count (\d+)$`)

// loads returns how often rooms were loaded since the server was started.
func (r *running) loads(t testing.TB) float64 {
	t.Helper()
	answer, err := http.Get(r.metrics)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	count := loadsMetric.FindSubmatch(text)
	if count == nil {
		t.Fatalf("%s doesn't say how often rooms were loaded:\n%s", r.metrics, text)
	}
	n, _ := strconv.ParseFloat(string(count[1]), 64) // it has digits only
	return n
}

// restartLine begins the line in which "yroom bench" says that the server is to be
// restarted.
const restartLine = "restart the server"

// load runs "yroom bench" on the clients' core. With restarts it restarts the server when
// "yroom bench" asks for that; its CPU time and memory are not measured then.
func load(t testing.TB, program string, s server, r *running, restarts bool, args []string) (figures, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *patience)
	defer cancel()
	all := []string{"--cpu-list", clientCore, program, "bench", "--json", "--url", r.address, "--dialect", s.dialect}
	if !restarts {
		for _, pid := range r.pids() {
			all = append(all, "--pid", strconv.Itoa(pid))
		}
	}
	cmd := exec.CommandContext(ctx, "taskset", append(all, args...)...)
	var out bytes.Buffer
	cmd.Stdout = &out
	complaints, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	why := ""
	for lines := bufio.NewScanner(complaints); lines.Scan(); {
		why = lines.Text()
		if restarts && strings.HasPrefix(why, restartLine) {
			restarts = false
			if failed := r.restart(t); failed != nil {
				cancel()
				_ = cmd.Wait() // it was killed
				return nil, failed
			}
		}
	}
	err = cmd.Wait()
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("it took longer than %v", *patience)
	case err != nil:
		return nil, failure(strings.TrimPrefix(why, "yroom: "))
	}
	return read(out.Bytes())
}

// different matches the errors of "yroom bench" that say that clients held different
// documents at the end.
var different = regexp.MustCompile("the same document|the whole document|more than the document|another text")

// failure returns the error for what "yroom bench" has complained about.
func failure(why string) error {
	if different.MatchString(why) {
		return fmt.Errorf("%w: %s", errDiverged, why)
	}
	return errors.New(why)
}

// read reads a report, and adds figures that follow from others.
func read(report []byte) (figures, error) {
	var fields map[string]any
	if err := json.Unmarshal(report, &fields); err != nil {
		return nil, fmt.Errorf("reading the report %q: %w", report, err)
	}
	f := figures{}
	for name, value := range fields {
		if number, ok := value.(float64); ok {
			f[name] = number
		}
	}
	f.derive("deliveries_per_cpu_second", 1e6, "server_cpu_us_per_delivery")
	f.derive("edits_per_second", f["edits"], "seconds")
	f.derive("server_cpu_us_per_edit", 1e4*f["server_cpu_percent"]*f["seconds"], "edits")
	if peak, ok := f["server_memory_peak_kb"]; ok {
		f["server_memory_peak_mb"] = peak / 1024
	}
	return f, nil
}

// derive adds a figure that is a number divided by another figure, if that was measured.
func (f figures) derive(name string, number float64, divisor string) {
	if by := f[divisor]; by > 0 && number > 0 {
		f[name] = number / by
	}
}
