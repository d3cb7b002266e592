// Command gotest runs "go test" and prints what it prints, then counts the tests
// that were skipped and names them. "--" separates several runs. A test that is skipped
// in one run and passes in another doesn't count as skipped. A run that fails doesn't keep
// the others from running: one call shows all that fails.
//
//	gotest -race ./... -- -run Allocations ./consumer
package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"runtime/debug"
	"slices"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	out := report{out: os.Stdout}
	if info, ok := debug.ReadBuildInfo(); ok {
		out.module = info.Main.Path
	}
	var err error
	for _, args := range split(os.Args[1:]) {
		err = cmp.Or(err, run(ctx, args, &out))
		if ctx.Err() != nil {
			break
		}
	}
	out.summary()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop was called
	}
}

// split returns the arguments between the separators "--".
func split(args []string) (runs [][]string) {
	for {
		i := slices.Index(args, "--")
		if i < 0 {
			return append(runs, args)
		}
		runs, args = append(runs, args[:i]), args[i+1:]
	}
}

// run runs "go test" with args, and reports what it prints.
func run(ctx context.Context, args []string, to *report) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			to.read(line)
		}
		if err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	return cmd.Wait()
}
