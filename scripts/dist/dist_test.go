package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/internal/testkit"
)

const version = "v1.2.3"

// packed makes the archives of the chart and of a binary for two systems in a new folder.
func packed(t *testing.T, r release, binary []byte) (folder string) {
	t.Helper()
	r.to = t.TempDir()
	for _, platform := range []string{"linux/amd64", "windows/arm64"} {
		if err := r.pack(t.Context(), platform, binary); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.packChart(); err != nil {
		t.Fatal(err)
	}
	if err := r.sum(); err != nil {
		t.Fatal(err)
	}
	return r.to
}

func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// A release has the same bytes whenever it is made, its checksums are right, and its archives
// have all that a user needs.
func TestRelease(t *testing.T) {
	program := testkit.Build(t)
	t.Chdir("../..")
	testkit.File(t, "web/dist/static/licences.txt", "make demos")
	binary, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	r := release{version: version, when: time.Unix(1_800_000_000, 0).UTC()}
	if err := r.print(t.Context(), program); err != nil {
		t.Fatal(err)
	}
	folder := packed(t, r, binary)
	command(t, folder, "sha256sum", "--check", "--strict", "SHA256SUMS")
	if out := command(t, folder, "diff", "-r", folder, packed(t, r, binary)); out != "" {
		t.Errorf("the second release differs: %s", out)
	}

	const linux, windows = "yroom-v1.2.3-linux-amd64", "yroom-v1.2.3-windows-arm64"
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{"SHA256SUMS", "yroom-chart-1.2.3.tgz", linux + ".cdx.json", linux + ".tar.gz", windows + ".cdx.json", windows + ".zip"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("files of the release (-want, +got):\n%s", diff)
	}

	unpacked := t.TempDir()
	command(t, unpacked, "tar", "-xzf", filepath.Join(folder, linux+".tar.gz"))
	command(t, unpacked, "tar", "-xzf", filepath.Join(folder, "yroom-chart-1.2.3.tgz"))
	root := filepath.Join(unpacked, linux)
	if got := command(t, root, "./yroom", "version"); !strings.HasPrefix(got, "yroom ") {
		t.Errorf("the program prints %q", got)
	}
	for name, begin := range map[string]string{
		linux + "/yroom.1":                `.TH YROOM 1 "" "yroom `,
		linux + "/completions/yroom.bash": "# Completion of yroom for bash",
		linux + "/completions/_yroom":     "#compdef yroom",
		linux + "/completions/yroom.fish": "# Completion of yroom for fish",
		linux + "/licences.txt":           "yroom\n",
		linux + "/yroom.service":          "# For /etc/systemd/system",
		linux + "/sbom.cdx.json":          "{\n",
		"yroom/Chart.yaml":                "apiVersion: v2\n",
		"yroom/values.schema.json":        "{\n",
		"yroom/templates/serve.yaml":      "{{-",
	} {
		if text, err := os.ReadFile(filepath.Join(unpacked, name)); err != nil || !strings.HasPrefix(string(text), begin) {
			t.Errorf("%s begins with %.40q (%v), want %q", name, text, err, begin)
		}
	}
	text, err := os.ReadFile(filepath.Join(unpacked, "yroom", "Chart.yaml"))
	if err != nil || !strings.Contains(string(text), "\nversion: 1.2.3\nappVersion: \"v1.2.3\"\n") {
		t.Errorf("the chart has another version (%v):\n%s", err, text)
	}

	zipped, err := zip.OpenReader(filepath.Join(folder, windows+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer zipped.Close()
	inside, err := zipped.Open(windows + "/yroom.exe")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(inside); err != nil || !bytes.Equal(got, binary) {
		t.Errorf("the program in the ZIP archive is another (%v)", err)
	}

	checkSBOM(t, filepath.Join(root, "sbom.cdx.json"), program)
}

// checkSBOM tests that the list has each module that "go version -m" names, and the npm
// packages of the demo editors.
func checkSBOM(t *testing.T, path, program string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list bom
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{}
	for _, c := range list.Components {
		if c.Ref != c.URL || refs[c.Ref] || c.Version == "" {
			t.Errorf("the component %+v", c)
		}
		refs[c.Ref] = true
	}
	modules := 0
	for line := range strings.Lines(command(t, ".", "go", "version", "-m", program)) {
		if words := strings.Fields(line); words[0] == "dep" {
			modules++
			if !refs["pkg:golang/"+words[1]+"@"+strings.ReplaceAll(words[2], "+", "%2B")] {
				t.Errorf("the list lacks %s", line)
			}
		}
	}
	packages := slices.DeleteFunc(list.Components, func(c component) bool { return !strings.HasPrefix(c.URL, "pkg:npm/") })
	if modules < 20 || len(packages) < 20 || !refs["pkg:golang/std@"+strings.TrimPrefix(strings.Fields(command(t, ".", "go", "env", "GOVERSION"))[0], "go")] {
		t.Errorf("the list has %d modules and %d packages", modules, len(packages))
	}
	for _, p := range packages {
		if len(p.Hashes) != 1 || len(p.Hashes[0].Content) != 128 || len(p.Licences) != 1 || p.Licences[0].Expression == "" {
			t.Errorf("%s has the hashes %v and the licences %v", p.Name, p.Hashes, p.Licences)
		}
	}
}

func TestChartVersion(t *testing.T) {
	for version, want := range map[string]string{
		"v1.2.3":                   "1.2.3",
		"v0.1.0-55-gabcdef0-dirty": "0.1.0-55-gabcdef0-dirty",
		"abcdef0":                  "0.0.0-abcdef0",
		"devel":                    "0.0.0-devel",
	} {
		if got := chartVersion(version); got != want {
			t.Errorf("the chart of %s has the version %s, want %s", version, got, want)
		}
	}
}

func TestSourceTime(t *testing.T) {
	if got, err := sourceTime("86400"); err != nil || got != time.Date(1970, 1, 2, 0, 0, 0, 0, time.UTC) {
		t.Errorf("%v (%v)", got, err)
	}
	if _, err := sourceTime(""); err == nil {
		t.Error("a release without a time is made")
	}
}
