package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// clearLine returns the cursor of a terminal to the start of its line, and clears that.
const clearLine = "\r\x1b[K"

// quiet is how long no progress is shown where it is not rewritten in place.
const quiet = 5 * time.Second

// showProgress returns a function that shows lines of progress: in place on a terminal, and
// otherwise one every few seconds.
func showProgress(e environment) func(line string) {
	if isTerminal(e.stderr) {
		return func(line string) { fmt.Fprint(e.stderr, clearLine+line) }
	}
	last := time.Now()
	return func(line string) {
		if time.Since(last) >= quiet {
			last = time.Now()
			fmt.Fprintln(e.stderr, line)
		}
	}
}

func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && file.Name() != os.DevNull
}
