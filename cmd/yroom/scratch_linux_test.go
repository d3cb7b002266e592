package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// image is what the last stage of the Dockerfile describes: an empty image with a user and
// a folder. root is the file system of a container, with a volume at the folder.
type image struct {
	root, folder string
	user         uint32
}

// newImage builds the program without C, as the Dockerfile does, and puts nothing else into
// root.
func newImage(t *testing.T) *image {
	t.Helper()
	if os.Getuid() != 0 {
		testkit.Missingf(t, "only root may run a program in a root directory of its own")
	}
	file, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	last := regexp.MustCompile(`(?s)\nFROM scratch\n.*\nUSER (\d+):.*\nWORKDIR (/\S+)\n.*\nENTRYPOINT \["/yroom"\]`).FindSubmatch(file)
	build := regexp.MustCompile(`RUN CGO_ENABLED=0 go build -trimpath .*-o /out/yroom ./cmd/yroom\n`)
	if last == nil || !build.Match(file) {
		t.Fatal("the Dockerfile doesn't build /yroom without C, or its last stage isn't FROM scratch with USER, WORKDIR and ENTRYPOINT /yroom")
	}
	user, err := strconv.ParseUint(string(last[1]), 10, 32)
	if err != nil {
		t.Fatal(err)
	}
	i := &image{root: t.TempDir(), folder: string(last[2]), user: uint32(user)}
	program := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(i.root, "yroom"), ".")
	program.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := program.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	i.volume(t, i.folder)
	return i
}

// volume makes an empty folder of the image's user.
func (i *image) volume(t *testing.T, folder string) {
	t.Helper()
	path := filepath.Join(i.root, folder)
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, int(i.user), int(i.user)); err != nil {
		t.Fatal(err)
	}
}

// command returns a command of yroom that runs as in a container.
func (i *image) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "/yroom", args...)
	cmd.Err = nil // the program is below root
	cmd.Dir, cmd.Env = i.folder, []string{"PATH=/bin"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: i.root, Credential: &syscall.Credential{Uid: i.user, Gid: i.user}}
	return cmd
}

// serve starts a server.
func (i *image) serve(t *testing.T) *server {
	t.Helper()
	folder := filepath.Join(i.root, i.folder)
	token := filepath.Join(folder, "yroom.token")
	if err := os.WriteFile(token, []byte(theToken), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(token, int(i.user), int(i.user)); err != nil {
		t.Fatal(err)
	}
	s := &server{testkit.Launch(t, i.command(t, "serve", "--listen", "127.0.0.1:0", "--api-token-file", "yroom.token"))}
	s.Dir = folder // for the commands that ask it
	return s
}

// run runs a command of yroom until its end.
func (i *image) run(t *testing.T, args ...string) {
	t.Helper()
	if out, err := i.command(t, args...).CombinedOutput(); err != nil {
		t.Fatalf("yroom %q: %v\n%s", args, err, out)
	}
}

// commandOf returns the arguments of yroom in the line of a documented block that begins
// with the words of docker.
func commandOf(t *testing.T, docker string) []string {
	t.Helper()
	block := documented(t, "docs/durability.md", docker)
	command := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(docker) + `.* /?yroom (backup .*)$`).FindStringSubmatch(block.Text)
	if command == nil {
		t.Fatalf("%s: %s doesn't run yroom backup", block, docker)
	}
	return strings.Fields(command[1])
}

// The image has neither a shell nor a folder for temporary files. The documented backup
// of a running server and its restoration work there, even if the file is larger than
// what SQLite keeps in memory. A copy of all documents works there, too.
func TestBackupInImage(t *testing.T) {
	i := newImage(t)
	s := i.serve(t)
	addText(t, s, "large", 0, strings.Repeat("a text of 32 bytes, many times. ", 4<<20/32))
	change := changeAfterBackup(t, s)
	i.run(t, commandOf(t, "docker exec")...)
	change()
	s.Stop(t)
	i.run(t, "room", "export", "--all", "all", "--store", "sqlite:yroom.db")

	if err := os.Rename(s.Dir, filepath.Join(i.root, "replaced")); err != nil {
		t.Fatal(err)
	}
	i.volume(t, i.folder)
	i.run(t, commandOf(t, "docker run --rm -v yroom-data:/replaced -v yroom-restored:"+i.folder)...)
	s = i.serve(t)
	large := asked(t, s, "export", "large", "--format", "text", "--name", "text")
	wantText(t, s, map[string]string{"notes": "before", "gone": "before", "large": large})
	if len(large) != 4<<20 {
		t.Errorf("the large document has %d bytes", len(large))
	}
	asked(t, s, "import", "--all", filepath.Join(i.root, "replaced", "all"))
	wantText(t, s, map[string]string{"notes": "before after", "new": "after", "gone": "before", "large": large})

	found, err := os.ReadDir(i.root)
	if err != nil || len(found) != 3 {
		t.Errorf("the image holds %v (%v), want the program, and two folders", found, err)
	}
}
