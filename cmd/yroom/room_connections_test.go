package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// The connections of users are listed, and their access is changed and taken away.
func TestRoomConnections(t *testing.T) {
	t.Parallel()
	dir := inDir(t, "secret", tokenSecret, "yroom.token", theToken, "yroom.yaml", "jwt_key_file: secret\napi_token_file: yroom.token\n")
	s := startIn(t, dir)
	connect := func(room, user string) *wsclient.Client {
		t.Helper()
		c, err := s.dial(t, room+"?token="+makeToken(t, dir, "--room", "*", "--access", "write", "--user", user), nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	ada, bob, elsewhere := connect("notes", "ada"), connect("notes", "bob"), connect("other", "ada")
	run := func(args string) string {
		t.Helper()
		out, status := room(t, dir, append([]string{"--server", "http://" + s.Host, "--token-file", "yroom.token"}, strings.Fields(args)...)...)
		if status != 0 {
			t.Errorf("%s: exit status %d", args, status)
		}
		return strings.TrimSpace(out)
	}
	lines := strings.Split(run("connections notes"), "\n")
	if len(lines) != 2 {
		t.Fatalf("connections: %q", lines)
	}
	if strings.Contains(lines[0], "ada") { // they are listed by their ids, which are random
		slices.Reverse(lines)
	}
	id, _, _ := strings.Cut(lines[0], "\t") // of bob
	if got := run("access hidden notes --connection " + id); got != "1" {
		t.Errorf("the access of %s connections was changed, want 1", got)
	}
	if got := run("access read --all-rooms --user ada"); got != "2" {
		t.Errorf("the access of %s connections was changed, want 2", got)
	}
	list := run("connections notes")
	if strings.Contains(list, "write") || !strings.Contains(list, "\tread\tada") || !strings.Contains(list, "\tbob") {
		t.Errorf("connections after the changes:\n%s", list)
	}
	if _, body := s.get(t, "/room.json?room=notes"); !strings.Contains(body, `"user":"ada","write":false,"present":true`) {
		t.Errorf("/room.json: %s", body)
	}
	if got := run("expel notes --user ada --reason bye"); got != "1" {
		t.Errorf("%s connections were closed, want 1", got)
	}
	if got := run("expel --all-rooms --user ada"); got != "1" {
		t.Errorf("%s connections were closed in all rooms, want 1", got)
	}
	for _, c := range []*wsclient.Client{ada, elsewhere} {
		if code, _, err := c.AwaitClose(); code != 4403 {
			t.Errorf("closed with %d (%v), want 4403", code, err)
		}
	}
	if list := run("connections notes"); strings.Contains(list, "ada") || !strings.Contains(list, "bob") {
		t.Errorf("connections after an expel:\n%s", list)
	}
	bob.Close()

	for _, args := range []string{
		"expel --user ada", "expel notes --all-rooms --user ada", "expel notes", "access read --user ada", "expel notes --user ada --connection 1",
		"access write-all notes --user ada", "expel notes --user ada --store memory:",
	} {
		command := exec.CommandContext(t.Context(), "yroom", append([]string{"room", "--server", "http://" + s.Host, "--token-file", "yroom.token"}, strings.Fields(args)...)...)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), "yroom: ") {
			t.Errorf("%s: %v\n%s", args, err, out)
		}
	}
	command := exec.CommandContext(t.Context(), "yroom", "room", "expel", "notes", "--user", "ada", "--store", "sqlite:none.db")
	command.Dir = dir
	if out, err := command.CombinedOutput(); err == nil || !strings.Contains(string(out), "a store has no connections") {
		t.Errorf("on a store: %v\n%s", err, out)
	}
}
