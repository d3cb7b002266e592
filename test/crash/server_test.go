package crash_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

var program string // the path of the yroom binary

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "yroom-crash")
		if err != nil {
			panic(err)
		}
		defer os.RemoveAll(dir)
		program = filepath.Join(dir, "yroom")
		if out, err := exec.Command("go", "build", "-o", program, "github.com/yroom/yroom/cmd/yroom").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "go build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

// start starts a server in dir, which holds its settings and its files.
func start(t *testing.T, dir string) *testkit.Server {
	t.Helper()
	return testkit.Serve(t, program, dir)
}

// configure writes yroom.yaml into a new directory.
func configure(t *testing.T, dir, yaml string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "yroom.yaml"), []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
