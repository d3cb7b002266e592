package sqlitestore_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

// roleVariable is the environment variable that selects what the test binary does when
// a test runs it as another process.
const roleVariable = "YROOM_SQLITESTORE_TEST_ROLE"

func child(ctx context.Context, name string, args ...string) *exec.Cmd {
	binary, err := os.Executable()
	if err != nil {
		panic(err)
	}
	if name == "" {
		return exec.CommandContext(ctx, binary, args...)
	}
	return exec.CommandContext(ctx, name, append(args, binary, "-test.run=^TestChild$")...)
}

func TestChild(t *testing.T) {
	role, path, _ := strings.Cut(os.Getenv(roleVariable), " ")
	switch role {
	case "":
		t.Skip("other tests run this in a process of its own")
	case "appends-fsync":
		childAppends(t, path, store.DurabilityFsync)
	case "appends-commit":
		childAppends(t, path, store.DurabilityCommit)
	case "counts-fsync":
		childCounts(t, path, store.DurabilityFsync)
	case "counts-commit":
		childCounts(t, path, store.DurabilityCommit)
	case "counts-none":
		childCounts(t, path, store.DurabilityNone)
	case "acknowledges-fsync":
		childAcknowledges(t, path, store.DurabilityFsync)
	case "acknowledges-commit":
		childAcknowledges(t, path, store.DurabilityCommit)
	case "faults":
		childFaults(t, path)
	case "opens":
		childOpens(t, sqlitestore.Config{}, path)
	case "opens-shared":
		childOpens(t, sqlitestore.Config{Shared: true}, path)
	}
}

// childAppends appends, and prints each entry once Append has returned, until it is
// killed.
func childAppends(t *testing.T, path string, level store.Durability) {
	s, err := sqlitestore.Open(path, at(level))
	if err != nil {
		t.Fatal(err)
	}
	run := rand.Uint64()
	var printing sync.Mutex
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				data := fmt.Sprintf("%x-%d-%d", run, w, i)
				if _, err := s.Append(t.Context(), room, v1(data)); err != nil {
					fmt.Println("ERROR", err)
					return
				}
				printing.Lock()
				fmt.Println(data)
				printing.Unlock()
			}
		}()
	}
	go func() {
		for i := 0; ; i++ {
			l, err := s.Load(t.Context(), room)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			var all []string
			for _, e := range l.Entries {
				all = append(all, string(e.Data))
			}
			if err == nil {
				err = s.Compact(t.Context(), room, l, v1(strings.Join(all, " ")))
			}
			if err != nil {
				fmt.Println("ERROR", err)
				return
			}
		}
	}()
	select {}
}

func TestKill(t *testing.T) {
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityCommit} {
		t.Run(level.String(), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rooms.db")
			acknowledged := map[string]bool{}
			for round := range 8 {
				cmd := child(t.Context(), "", "-test.run=^TestChild$")
				cmd.Env = append(os.Environ(), roleVariable+"=appends-"+level.String()+" "+path)
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				lines := bufio.NewReader(out)
				for left := 1 + rand.IntN(200); ; left-- {
					if left == 0 {
						cmd.Process.Kill()
					}
					line, err := lines.ReadString('\n')
					if err != nil { // only whole lines count
						break
					}
					if strings.HasPrefix(line, "ERROR") {
						t.Error(line)
					}
					acknowledged[strings.TrimSpace(line)] = true
				}
				cmd.Wait()
				s, err := sqlitestore.Open(path, at(level))
				if err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				there := map[string]int{}
				for _, data := range held(t, s, room) {
					for one := range strings.FieldsSeq(data) {
						there[one]++
					}
				}
				for data := range acknowledged {
					if there[data] != 1 {
						t.Errorf("round %d: the room holds %s %d times, want once", round, data, there[data])
					}
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
			if len(acknowledged) < 8 {
				t.Errorf("only %d appends were acknowledged", len(acknowledged))
			}
		})
	}
}

// runUnprivileged runs the calling test again in a process that doesn't run as root.
func runUnprivileged(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	for _, opened := range []string{dir, filepath.Dir(dir)} { // other users have to read them
		if err := os.Chmod(opened, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	copied := filepath.Join(dir, "test")
	out, err := os.OpenFile(copied, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
		copied, "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	report, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		testkit.Missingf(t, "setpriv, which runs a process as another user, is missing")
	}
	if err != nil || !strings.Contains(string(report), "--- PASS: "+t.Name()) {
		t.Errorf("as another user: %v\n%s", err, report)
	}
}

// mark makes a system call that can be found in a trace.
func mark(name string) { os.Stat("/yroom-mark-" + name) }

const countedAppends = 50

// childCounts appends entries one after another between two marks.
func childCounts(t *testing.T, path string, level store.Durability) {
	s := open(t, path, at(level))
	add(t, s, room, "first")
	mark("begin")
	for i := range countedAppends {
		add(t, s, room, fmt.Sprint(i))
	}
	held(t, s, room) // at DurabilityNone, this waits until they are written
	mark("end")
}

func traced(t *testing.T, role, path string, options ...string) (trace string) {
	t.Helper()
	if runtime.GOOS != "linux" {
		testkit.Missingf(t, "strace exists on Linux only")
	}
	testkit.Program(t, "strace", "apt-get install strace")
	file := filepath.Join(t.TempDir(), "trace")
	cmd := child(t.Context(), "strace", append([]string{"-f", "-qq", "-o", file}, options...)...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role+" "+path)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSyncsAtLevelFsyncAlone(t *testing.T) {
	for _, test := range []struct {
		level       store.Durability
		least, most int
	}{
		{store.DurabilityFsync, countedAppends, 2 * countedAppends},
		{store.DurabilityCommit, 0, 0},
		{store.DurabilityNone, 0, 0},
	} {
		t.Run(test.level.String(), func(t *testing.T) {
			trace := traced(t, "counts-"+test.level.String(), filepath.Join(t.TempDir(), "rooms.db"),
				"-e", "trace=fsync,fdatasync,newfstatat,stat,pwrite64")
			_, trace, begun := strings.Cut(trace, "yroom-mark-begin")
			trace, _, ended := strings.Cut(trace, "yroom-mark-end")
			if !begun || !ended {
				t.Fatal("the marks are not in the trace")
			}
			if !strings.Contains(trace, "pwrite64(") {
				t.Error("nothing was written")
			}
			syncs := strings.Count(trace, "fdatasync(") + strings.Count(trace, "fsync(")
			if syncs < test.least || syncs > test.most {
				t.Errorf("%d appends have synced %d times, want %d to %d", countedAppends, syncs, test.least, test.most)
			}
			// A page takes two writes. A few appends need another page, because theirs is full.
			if writes := strings.Count(trace, "pwrite64("); writes > 2*countedAppends+countedAppends/2 {
				t.Errorf("%d appends have written %d times, want one page each", countedAppends, writes)
			}
		})
	}
}

// childFaults appends while strace makes some system calls fail, and checks that the
// room holds every acknowledged append.
func childFaults(t *testing.T, path string) {
	s, err := sqlitestore.Open(path, sqlitestore.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var acknowledged []string
	failed := 0
	for i := range 100 {
		data := fmt.Sprint("entry ", i)
		if _, err := s.Append(t.Context(), room, v1(data)); err != nil {
			failed++
			continue
		}
		acknowledged = append(acknowledged, data)
	}
	mark(fmt.Sprint("failed-", failed))
	for range 20 { // some of these calls may fail too: each thread has its own count of calls
		if _, err = s.Append(t.Context(), room, v1("last")); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("the store has not recovered: %v", err)
	}
	got := "|" + strings.Join(held(t, s, room), "|") + "|"
	for _, data := range acknowledged {
		if strings.Count(got, "|"+data+"|") != 1 {
			t.Errorf("the room must hold %q once, because it was acknowledged", data)
		}
	}
	_ = s.Close() // may fail too
}

func TestRecoversFromFaults(t *testing.T) {
	for _, fault := range []string{
		"fsync:error=EIO:when=10+7",
		"pwrite64:error=ENOSPC:when=60+23",
		"pwrite64:error=EIO:when=60+37",
	} {
		t.Run(fault, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rooms.db")
			name, _, _ := strings.Cut(fault, ":")
			trace := traced(t, "faults", path, "-e", "trace=newfstatat,stat,"+name, "-e", "inject="+fault)
			if !strings.Contains(trace, "(INJECTED)") || !strings.Contains(trace, "yroom-mark-failed-") ||
				strings.Contains(trace, "yroom-mark-failed-0\"") {
				t.Error("no append has failed")
			}
			if got := held(t, open(t, path, sqlitestore.Config{}), room); got[len(got)-1] != "last" {
				t.Errorf("the last entry is %q", got[len(got)-1])
			}
		})
	}
}
