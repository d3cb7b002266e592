package main

import (
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// A healthy store has no findings, and 10,000 rooms are examined in less than a minute.
// ROOMS=10000 in the environment examines so many.
func TestDoctorOnManyRooms(t *testing.T) {
	testkit.SkipUnderRace(t)
	rooms := 2000
	if text := os.Getenv("ROOMS"); text != "" {
		var err error
		if rooms, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	p := sqlitePatient(t)
	healthy(t, p, rooms)
	cmd := exec.CommandContext(t.Context(), "yroom", "doctor", "--store", p.url)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	t.Logf("%sCPU time %v, maximal memory %v", out, took, cmd.ProcessState.SysUsage())
	if most := time.Duration(rooms) * time.Minute / 10_000; took > most {
		t.Errorf("%d rooms took %v of CPU time, want at most %v", rooms, took, most)
	}
}
