package sqlitestore_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store/sqlitestore"
)

// childOpens opens a file until its standard input ends. It prints what the Store logs, and
// {"msg":"open"} once Open has returned.
func childOpens(t *testing.T, config sqlitestore.Config, path string) {
	config.Logger = slog.New(slog.NewJSONHandler(os.Stdout, nil))
	s, err := sqlitestore.Open(path, config)
	if err != nil {
		t.Fatal(err)
	}
	config.Logger.Info("open")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// opener is a process that has a file open.
type opener struct {
	*exec.Cmd
	in    io.Closer
	lines chan string // the processes that its Store has logged, and "open"
}

func startOpener(t *testing.T, role, path string) *opener {
	t.Helper()
	o := &opener{Cmd: child(t.Context(), "", "-test.run=^TestChild$"), lines: make(chan string, 100)}
	o.Env = append(os.Environ(), roleVariable+"="+role+" "+path)
	in, err := o.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := o.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.Start(); err != nil {
		t.Fatal(err)
	}
	o.in = in
	read := make(chan struct{})
	t.Cleanup(func() { o.kill(); <-read })
	go func() {
		defer close(read)
		defer close(o.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var line struct{ Msg, Process, File string }
			if json.Unmarshal(lines.Bytes(), &line) != nil {
				continue // PASS
			}
			if line.Process != "" && line.File != path {
				t.Errorf("the file in the log is %s, want %s", line.File, path)
			}
			if line.Process == "" {
				line.Process = line.Msg
			}
			o.lines <- line.Process
		}
	}()
	return o
}

func (o *opener) kill() {
	_ = o.Process.Kill() // it may have ended
	_ = o.Wait()
}

// end closes the file and waits until the process has ended.
func (o *opener) end(t *testing.T) {
	t.Helper()
	_ = o.in.Close()
	if err := o.Wait(); err != nil {
		t.Error(err)
	}
}

// wants fails the test unless the process prints these lines next. A number is that of a
// process.
func (o *opener) wants(t *testing.T, want ...any) {
	t.Helper()
	for _, w := range want {
		select {
		case line := <-o.lines:
			if pid, ok := w.(int); ok {
				w = fmt.Sprintf("process %d on ", pid)
			}
			if !strings.Contains(line, w.(string)) {
				t.Errorf("the log says %q, want %q", line, w)
			}
		case <-time.After(testkit.Patience):
			t.Fatalf("the log lacks %v", w)
		}
	}
}

func TestOtherProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	first := startOpener(t, "opens", path)
	first.wants(t, "open")
	second := startOpener(t, "opens", path)
	second.wants(t, first.Process.Pid, "open") // before Open returns
	first.wants(t, second.Process.Pid)

	// A process that is meant to share the file neither logs others nor is logged.
	shared := startOpener(t, "opens-shared", path)
	shared.wants(t, "open")
	shared.end(t)

	// When the first process ends, the second one takes the lock. It and a third process log
	// each other, whether it already has the lock or not.
	first.kill()
	third := startOpener(t, "opens", path)
	named := map[string]bool{}
	for len(named) < 2 {
		select {
		case line := <-third.lines:
			named[line] = true
		case <-time.After(testkit.Patience):
			t.Fatal("the third process logs no other one")
		}
	}
	for line := range named {
		if line != "open" && !strings.Contains(line, fmt.Sprintf("process %d on ", second.Process.Pid)) {
			t.Errorf("the third process logs %q, want process %d", line, second.Process.Pid)
		}
	}
	second.wants(t, third.Process.Pid)

	// Processes that were killed are not logged.
	second.kill()
	third.kill()
	alone := startOpener(t, "opens", path)
	alone.wants(t, "open")
	alone.end(t)
	for line := range alone.lines {
		t.Errorf("a process that is alone logs %q", line)
	}
	if _, err := os.Stat(path + "-lock"); !os.IsNotExist(err) {
		t.Errorf("after the last Close: %v, want no file", err)
	}
}

// Stores of one process are logged like those of several. Stores that open the file at the
// same time all log the one that had it open before. A Store that was closed is not logged.
func TestOtherStores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rooms.db")
	var stays, comes safeBuffer
	logTo := func(w io.Writer) sqlitestore.Config {
		return sqlitestore.Config{Logger: slog.New(slog.NewTextHandler(w, nil))}
	}
	s := open(t, path, logTo(&stays))
	for range 20 {
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				other, err := sqlitestore.Open(path, logTo(&comes))
				if err != nil {
					t.Error(err)
					return
				}
				if err := other.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	if got := comes.count("Another process"); got != 60 {
		t.Errorf("%d of 60 Stores have logged the one that was there", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var alone safeBuffer
	open(t, path, logTo(&alone)).Close()
	if alone.text.Len() > 0 {
		t.Errorf("a Store that is alone logs:\n%s", &alone.text)
	}
}

// safeBuffer is a buffer for several goroutines.
type safeBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *safeBuffer) count(part string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.text.String(), part)
}
