package crash_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

var program string // the path of the yroom binary

func TestMain(m *testing.M) { testkit.MainWithProgram(m, &program) }

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
