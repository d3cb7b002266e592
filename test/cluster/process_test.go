package cluster_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/load"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
)

// process is a process of a command of yroom, which the test ends and starts again at the
// same address.
type process struct {
	name string
	host string // its address, with the port
	args []string
	log  *os.File // of all its runs

	mu    sync.Mutex
	cmd   *exec.Cmd     // of the latest run
	ended chan struct{} // closed when that has ended
	spent time.Duration // CPU time of the runs before it
}

// newProcess returns a process that isn't started. Its log is in dir.
func newProcess(t *testing.T, dir, name, command string, args ...string) *process {
	t.Helper()
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	p := &process{name: name, host: fmt.Sprintf("127.0.0.1:%d", daemon.FreePort(t)), log: log}
	p.args = append([]string{command, "--name", name, "--listen", p.host}, args...)
	t.Cleanup(func() {
		p.kill()
		if err := log.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, tail(t, log.Name()))
		}
	})
	return p
}

// tail returns the end of a file.
func tail(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(content[max(0, len(content)-64<<10):])
}

// start runs the process, and returns once it serves.
func (p *process) start() error {
	cmd := exec.Command(program, p.args...)
	cmd.Stderr = p.log
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended, serves := make(chan struct{}), make(chan struct{}, 1)
	p.mu.Lock()
	if p.cmd != nil {
		<-p.ended
		p.spent += p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
	}
	p.cmd, p.ended = cmd, ended
	p.mu.Unlock()
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if strings.Contains(lines.Text(), p.host) {
				serves <- struct{}{}
			}
		}
		_ = cmd.Wait() // the outcome is in ProcessState
		close(ended)
	}()
	select {
	case <-serves:
		return nil
	case <-ended:
		return fmt.Errorf("%s ends: %v", p.name, cmd.ProcessState)
	case <-time.After(testkit.Patience):
		p.kill()
		return fmt.Errorf("%s doesn't say that it serves", p.name)
	}
}

// restart starts the process, again and again while it fails, as a supervisor does.
func (p *process) restart() error {
	end := time.Now().Add(testkit.Patience)
	for {
		err := p.start()
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}

func (p *process) run() (cmd *exec.Cmd, ended chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd, p.ended
}

// cpu returns the CPU time that all runs of the process have used so far.
func (p *process) cpu() (time.Duration, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	latest, err := load.CPU(p.cmd.Process.Pid)
	if errors.Is(err, fs.ErrNotExist) {
		<-p.ended
		latest, err = p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime(), nil
	}
	return p.spent + latest, err
}

// kill ends the process at once.
func (p *process) kill() {
	if cmd, ended := p.run(); cmd != nil {
		_ = cmd.Process.Kill() // it may have ended
		<-ended
	}
}

// stop ends the process as an operator does. It returns an error unless the process ends
// with exit status 0.
func (p *process) stop() error {
	cmd, ended := p.run()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	select {
	case <-ended:
	case <-time.After(40 * time.Second): // a shutdown may take 30 s
		return errors.New(p.name + " doesn't end after SIGTERM")
	}
	if status := cmd.ProcessState.ExitCode(); status != 0 {
		return fmt.Errorf("%s ends with exit status %d after SIGTERM", p.name, status)
	}
	return nil
}

// signal sends a signal to the process.
func (p *process) signal(sig syscall.Signal) error {
	cmd, _ := p.run()
	return cmd.Process.Signal(sig)
}
