// Command dist builds a release into the folder dist: for each platform an archive with the program, its manual page,
// the completion for shells, licences and a list of what it consists of (SBOM); the Helm chart; and checksums. Two
// builds of the same commit have the same bytes, even in different folders and at different times.
//
//	go run ./scripts/dist v1.2.3 linux/amd64 windows/arm64
package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1], os.Args[2:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "dist:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, version string, platforms []string) error {
	when, err := sourceTime(os.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return err
	}
	if err := os.RemoveAll("dist"); err != nil {
		return err
	}
	if err := os.Mkdir("dist", 0o755); err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "yroom-dist")
	if err != nil {
		return err
	}
	r := release{version: version, when: when, to: "dist", scratch: scratch}
	return errors.Join(r.make(ctx, platforms), os.RemoveAll(scratch))
}

func (r *release) make(ctx context.Context, platforms []string) error {
	if _, err := r.build(ctx, runtime.GOOS+"/"+runtime.GOARCH); err != nil {
		return err
	}
	if err := r.print(ctx, r.program()); err != nil {
		return err
	}
	for _, p := range platforms {
		binary, err := r.build(ctx, p)
		if err == nil {
			err = r.pack(ctx, p, binary)
		}
		if err != nil {
			return err
		}
	}
	if err := r.packChart(); err != nil {
		return err
	}
	return r.sum()
}

// sourceTime returns the time that files in archives have: that of the commit, in seconds since 1970.
func sourceTime(seconds string) (time.Time, error) {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH is %q: want the time of the commit in seconds since 1970", seconds)
	}
	return time.Unix(n, 0).UTC(), nil
}

// release is what is built.
type release struct {
	version string
	when    time.Time
	to      string // the folder of its files
	scratch string // a folder for binaries
	shared  []file // of the archives of all platforms
}

// program returns the path of the program that was built last.
func (r *release) program() string { return filepath.Join(r.scratch, "yroom") }

// print makes the files that the program itself prints.
func (r *release) print(ctx context.Context, program string) error {
	for _, f := range []struct {
		name string
		args []string
	}{
		{"yroom.1", []string{"man"}},
		{"completions/yroom.bash", []string{"completion", "bash"}},
		{"completions/_yroom", []string{"completion", "zsh"}},
		{"completions/yroom.fish", []string{"completion", "fish"}},
	} {
		text, err := output(ctx, nil, program, f.args...)
		if err != nil {
			return err
		}
		r.shared = append(r.shared, file{name: f.name, data: text})
	}
	return nil
}

// build builds the program for a platform such as linux/amd64, with the demo editors.
func (r *release) build(ctx context.Context, platform string) (binary []byte, err error) {
	system, arch, _ := strings.Cut(platform, "/")
	// With -buildvcs, the binary from a clone would differ from that of a copy of its files.
	_, err = output(ctx, []string{"CGO_ENABLED=0", "GOOS=" + system, "GOARCH=" + arch}, "go", "build",
		"-trimpath", "-buildvcs=false", "-tags", "demo", "-ldflags", "-s -w -X main.release="+r.version, "-o", r.program(), "./cmd/yroom")
	if err != nil {
		return nil, err
	}
	return os.ReadFile(r.program())
}

// pack makes the archive of a platform, and beside it the SBOM.
func (r *release) pack(ctx context.Context, platform string, binary []byte) error {
	system, arch, _ := strings.Cut(platform, "/")
	name := "yroom-" + r.version + "-" + strings.ReplaceAll(system, "darwin", "macos") + "-" + arch
	program := "yroom"
	if system == "windows" {
		program = "yroom.exe"
	}
	bom, err := sbom(r.version, binary)
	if err != nil {
		return err
	}
	licences, err := output(ctx, nil, "scripts/licences", platform)
	if err != nil {
		return err
	}
	files := []file{{name: program, data: binary, runs: true}, {name: "licences.txt", data: licences}, {name: "sbom.cdx.json", data: bom}}
	files = append(files, r.shared...)
	if system == "linux" {
		unit, err := os.ReadFile("deploy/systemd/yroom.service")
		if err != nil {
			return err
		}
		files = append(files, file{name: "yroom.service", data: unit})
	}
	var data []byte
	extension := ".tar.gz"
	if system == "windows" {
		extension = ".zip"
		data, err = zipped(name, files, r.when)
	} else {
		data, err = tarred(name, files, r.when)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, name+extension)
	if err := r.write(name+".cdx.json", bom); err != nil {
		return err
	}
	return r.write(name+extension, data)
}

// sum writes the checksums of all files, for "sha256sum -c".
func (r *release) sum() error {
	entries, err := os.ReadDir(r.to)
	if err != nil {
		return err
	}
	var sums strings.Builder
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(r.to, e.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&sums, "%x  %s\n", sha256.Sum256(data), e.Name())
	}
	return r.write("SHA256SUMS", []byte(sums.String()))
}

func (r *release) write(name string, data []byte) error {
	return os.WriteFile(filepath.Join(r.to, name), data, 0o644)
}

// output returns what a program prints.
func output(ctx context.Context, variables []string, program string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), variables...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", program, strings.Join(args, " "), err)
	}
	return out, nil
}
