package load

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// usage is what some processes have used so far.
type usage struct {
	cpu      time.Duration // user and system
	resident int64         // bytes of memory
	peak     int64         // the largest resident so far
}

// usageOf returns what processes and all that they have started use.
func usageOf(pids []int) (sum usage, err error) {
	for _, pid := range withChildren(pids) {
		one, err := usageOfOne(pid)
		if errors.Is(err, fs.ErrNotExist) && !slices.Contains(pids, pid) { // it has just ended
			continue
		}
		if err != nil {
			return usage{}, fmt.Errorf("process %d: %w", pid, err)
		}
		sum.cpu += one.cpu
		sum.resident += one.resident
		sum.peak += one.peak
	}
	return sum, nil
}

// withChildren returns pids with the processes that they have started, directly or through
// others.
func withChildren(pids []int) (all []int) {
	for next := slices.Clone(pids); len(next) > 0; next = next[1:] {
		if slices.Contains(all, next[0]) {
			continue
		}
		all = append(all, next[0])
		paths, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", next[0])) // the pattern is valid
		for _, path := range paths {
			children, _ := os.ReadFile(path) //nolint:gosec // in /proc; the thread may have ended
			for pid := range strings.FieldsSeq(string(children)) {
				if child, err := strconv.Atoi(pid); err == nil {
					next = append(next, child)
				}
			}
		}
	}
	return all
}

// statFields returns the fields of a stat file after the name of the program.
func statFields(path string) ([]string, error) {
	stat, err := os.ReadFile(path) //nolint:gosec // in /proc
	if err != nil {
		return nil, err
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return nil, fmt.Errorf("%s has an unknown format", path)
	}
	return fields, nil
}

func usageOfOne(pid int) (u usage, err error) {
	fields, err := statFields(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	for _, ticks := range fields[11:13] {
		n, err := strconv.ParseInt(ticks, 10, 64)
		if err != nil {
			return u, err
		}
		u.cpu += time.Duration(n) * (time.Second / 100) // USER_HZ is 100 on Linux
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	for name, to := range map[string]*int64{"VmRSS": &u.resident, "VmHWM": &u.peak} {
		_, rest, _ := strings.Cut(string(status), "\n"+name+":")
		kilobytes := int64(0)
		_, _ = fmt.Sscan(rest, &kilobytes) // a process that is ending has no memory
		*to = kilobytes << 10
	}
	return u, nil
}

// forgetPeak makes the peak begin again. It does nothing for the processes of other users.
func forgetPeak(pids []int) {
	for _, pid := range withChildren(pids) {
		_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0)
	}
}

// ownCPU returns the CPU time that this process has used so far.
func ownCPU() time.Duration {
	u, _ := usageOfOne(os.Getpid()) // its own files can be read
	return u.cpu
}
