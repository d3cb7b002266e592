// Package engines_test compares the performance of yroom, of yjs and of ywasm, which is
// yrs compiled to WebAssembly, on the same inputs. Each job runs in a process of its
// own. The engines take turns.
//
//	YROOM_TRACES=folder go test -run '^$' -bench . -benchtime 1x -timeout 1h ./bench/engines
//
// The folder contains automerge-paper.json.gz, a recording of the writing of a paper,
// which benchmarks call B4.
package engines_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/heap"
	"github.com/yroom/yroom/internal/testkit"
)

var (
	rounds = flag.Int("rounds", 9, "how many times each engine runs each job; long jobs run less often")
	only   = flag.String("row", "", "measure only the rows whose names contain this text")
)

var engines = []string{"yroom", "yjs", "ywasm"}

// jobVariable is the environment variable that makes the test binary run a job for
// yroom. It contains the job and the folder of the inputs.
const jobVariable = "YROOM_ENGINES_JOB"

func TestMain(m *testing.M) {
	flag.Parse()
	job, folder, ok := strings.Cut(os.Getenv(jobVariable), " ")
	if !ok {
		os.Exit(m.Run())
	}
	heap.AddBallast() // as yroom serve does
	f, err := jobs[job](folder)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(f)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func BenchmarkEngines(b *testing.B) {
	folder := inputs(b)
	for range b.N {
		t, failed := table{}, map[string]bool{}
		for round := range *rounds {
			for _, job := range wanted() {
				if isDue(job, round) {
					measure(b, t, job, folder, round, failed)
				}
			}
		}
		fmt.Printf("\nmedians of %d rounds\n\n%s\n%s\n%s", *rounds, t.rows(), t.historyTable(), t.bar()) // the log of a benchmark is truncated after ten lines
	}
}

// inputs writes the inputs of all jobs into a temporary folder.
func inputs(b *testing.B) (folder string) {
	b.Helper()
	traces := os.Getenv("YROOM_TRACES")
	if traces == "" {
		testkit.Missingf(b, "YROOM_TRACES is not set to the folder with the recorded sessions")
	}
	testkit.RequireNode(b, "../../test", "yjs", "ywasm")
	folder = b.TempDir()
	if _, err := run(b.Context(), "", "node", "inputs.mjs", folder, traces); err != nil {
		b.Fatal(err)
	}
	return folder
}

// wanted returns the jobs of the requested rows, in order.
func wanted() (names []string) {
	want := func(r row, job string) {
		if strings.Contains(r.name, *only) && !slices.Contains(names, job) {
			names = append(names, job)
		}
	}
	for _, r := range allRows {
		want(r, r.job)
	}
	for _, name := range histories {
		for _, r := range historyRows {
			want(r, r.job+name)
		}
	}
	return names
}

// isDue reports whether a job runs in a round: jobs that take seconds don't run in all. The
// measurements of each job are spread over the whole run, so a slow phase of the machine touches only
// some rounds of each job.
func isDue(job string, round int) bool {
	switch {
	case job == "x100", job == "clients4000":
		return round%4 == 0
	case strings.HasPrefix(job, "load"):
		return round%2 == 0
	}
	return true
}

// same are the figures that must be equal for all engines.
var same = []string{"elements", "length", "bytes"}

// measure runs a job with all engines in turn. An engine that fails has no figures for
// the job from then on, and is added to failed.
func measure(b *testing.B, t table, job, folder string, round int, failed map[string]bool) {
	b.Helper()
	agreed := figures{}
	for i := range engines {
		engine := engines[(round+i)%len(engines)]
		key := engine + " " + job
		if failed[key] {
			continue
		}
		f, err := do(b.Context(), engine, job, folder)
		if err != nil {
			fmt.Printf("%s fails at %s: %v\n", engine, job, err)
			failed[key] = true
			continue
		}
		t.add(engine, job, f)
		for _, what := range same {
			if held, ok := agreed[what]; ok && held != f[what] {
				fmt.Printf("%s has %.0f %s after %s, another engine has %.0f\n", engine, f[what], what, job, held)
			}
			if _, ok := f[what]; ok {
				agreed[what] = f[what]
			}
		}
	}
}

// do runs a job with an engine in a new process.
func do(ctx context.Context, engine, job, folder string) (f figures, err error) {
	var out []byte
	if engine == "yroom" {
		var binary string
		if binary, err = os.Executable(); err == nil {
			out, err = run(ctx, jobVariable+"="+job+" "+folder, binary)
		}
	} else {
		out, err = run(ctx, "", "node", "--expose-gc", "run.mjs", engine, job, folder)
	}
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(out, &f)
	return f, err
}

// patience is the time limit of a process: more than any job takes.
const patience = 5 * time.Minute

// run runs a program with an additional environment variable, and returns its output.
func run(ctx context.Context, variable, name string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), variable)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(stderr.Bytes()))
	}
	return out, nil
}
