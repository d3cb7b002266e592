package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// damage stores a document of which a part is deleted, makes a backup, and damages the
// document. It returns the command that doctor prints for it.
func damage(t *testing.T, p *patient, room, dir string) (restore string) {
	t.Helper()
	p.add(t, room, testkit.Typed(1, 0, "gone and kept"), []byte("\x00\x01\x01\x01\x00\x04"))
	yroomIn(t, dir, "backup", "--store", p.url, "backup.db")
	p.change(t, room, "UPDATE updates SET data = substr(data, 1, 7) WHERE position = 1")
	cmd := exec.CommandContext(t.Context(), "yroom", "doctor", "--json", "--store", p.url, "--config", "my rooms.yaml", "--", room)
	cmd.Dir, cmd.Stderr = dir, t.Output()
	out, err := cmd.Output()
	if err == nil {
		t.Fatal("doctor finds no damage")
	}
	var found finding
	line, _, _ := bytes.Cut(out, []byte("\n"))
	if err := json.Unmarshal(line, &found); err != nil || found.Kind != kindDamaged || len(found.Commands) != 1 {
		t.Fatalf("the finding is %s (%v), want one with one command", line, err)
	}
	return found.Commands[0]
}

// yroomIn runs a command in dir, which must succeed.
func yroomIn(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "yroom", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// The command for a damaged room deletes nothing without a backup, and restores the room with
// one, as its settings say.
func TestDoctorSaysHowToRestore(t *testing.T) {
	sh := testkit.Program(t, "sh", "part of every Unix")
	p, dir := sqlitePatient(t), t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "my rooms.yaml"), []byte("rooms: {default: {gc: false}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(command string) error {
		cmd := exec.CommandContext(t.Context(), sh, "-c", command)
		cmd.Dir, cmd.Stdout, cmd.Stderr = dir, t.Output(), t.Output()
		return cmd.Run()
	}
	restore := damage(t, p, "-it's mine", dir)
	if err := run(restore); err == nil {
		t.Error("the command succeeds without a backup")
	}
	if _, err := p.Load(t.Context(), "-it's mine"); err == nil || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("the error is %v, want the damage", err)
	}
	if err := run(strings.Replace(restore, "BACKUP", "sqlite:backup.db", 1)); err != nil {
		t.Fatal(err)
	}
	log, err := p.Load(t.Context(), "-it's mine")
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, e := range log.Entries {
		all = append(all, e.Data...)
	}
	for _, part := range []string{"gone", " and kept"} {
		if !bytes.Contains(all, []byte(part)) {
			t.Errorf("the restored room has no %q: %q", part, all)
		}
	}
}
