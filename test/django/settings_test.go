package django

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/testkit"
)

// The hosts of a channel layer may be known to Sentinels. What an address of yroom can't say has to
// be set by the user.
func TestSettingsOfHosts(t *testing.T) {
	t.Parallel()
	testkit.File(t, python, "make tools installs Django")
	script, err := os.ReadFile("../../examples/django/yroom_settings.py")
	if err != nil {
		t.Fatal(err)
	}
	for hosts, want := range map[string]string{
		"redis-sentinel://10.0.0.1:26379/notes":    `layer: "django+redis-sentinel://10.0.0.1:26379/notes"`,
		`{"address":"redis://10.0.0.1:6379"}`:      `layer: "django+redis://10.0.0.1:6379"`,
		`{"address":"redis://10.0.0.1","db":1}`:    "# layer: the hosts of CHANNEL_LAYERS can't be taken over: set the address of the layer",
		"rediss://10.0.0.1:6379?ssl_ca_certs=file": "# layer: the hosts of CHANNEL_LAYERS can't be taken over: set the address of the layer",
	} {
		got := manage(t, []string{"REDIS=" + hosts}, string(script), "shell", "--verbosity", "0")
		if line, _, _ := strings.Cut(got, "\n"); line != want {
			t.Errorf("%s: %s, want %s", hosts, line, want)
		}
	}
}

// The script in examples/django prints the settings of a Django project for yroom, which
// accepts them.
func TestSettings(t *testing.T) {
	t.Parallel()
	testkit.File(t, python, "make tools installs Django")
	script, err := os.ReadFile("../../examples/django/yroom_settings.py")
	if err != nil {
		t.Fatal(err)
	}
	got := manage(t, []string{
		"REDIS=redis://10.0.0.1:6379/0 redis://10.0.0.2:6379/0", "LAYER=pubsub", "CAPACITY=50", "KEYS=secret",
		"DATABASE=postgres://notes:word@10.0.0.3:5432/notes",
		`ROOMS={"scratch": {"STORAGE_BACKEND": "channels_yroom.storage.YDocMemoryStorage", "REMOVE_ROOM_DELAY": 0, "AUTOSAVE_DELAY": 2.5, "CHANNEL_NAME": "other"},
			"old": {"STORAGE_BACKEND": "notes.Storage", "PROTOCOL_VERSION": 2, "SERVER_START_SYNC": false, "PROTOCOL_NAME_PREFIX": true}}`,
	}, string(script), "shell", "--verbosity", "0")
	const want = `layer: "django+redis://10.0.0.1:6379/0,10.0.0.2:6379/0?capacity=50&type=pubsub&keys=keys.txt"
channel: ["other", "yroom"]
rooms:
  "default":
    remove_delay: "30s"
    store: "postgres+django://notes:word@10.0.0.3:5432/notes"
    update_version: 1
    server_start_sync: true
  "scratch":
    remove_delay: "1ms"
    autosave_delay: "2.5s"
    store: "memory:"
    update_version: 1
    server_start_sync: true
  "old":
    remove_delay: "30s"
    # store: STORAGE_BACKEND is notes.Storage: set the address of a store
    update_version: 2
    server_start_sync: false
    # PROTOCOL_NAME_PREFIX is not supported behind Django
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	file := filepath.Join(t.TempDir(), "yroom.yaml")
	if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), program, "serve", "--check", "--config", file).CombinedOutput(); err != nil {
		t.Errorf("yroom refuses the settings: %v\n%s", err, out)
	}
}
