// Command yroom runs a Yjs collaboration server.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

type commands struct {
	Serve   serve        `cmd:"" help:"Run a server: clients connect to it, and it runs their rooms."`
	Room    roomCommands `cmd:"" help:"List, export, import and delete rooms, on a server (--server) or in a store (--store)."`
	Version versionCmd   `cmd:"" help:"Print the version."`
}

func main() {
	var cli commands
	command := kong.Parse(&cli,
		kong.Name("yroom"),
		kong.Description("A Yjs collaboration server."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(io.Writer(os.Stdout), (*io.Writer)(nil)),
	)
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "yroom: "+err.Error())
		status := 1
		if own, ok := errors.AsType[exitError](err); ok {
			status = own.status
		}
		os.Exit(status)
	}
}

type versionCmd struct{}

func (versionCmd) Run(stdout io.Writer) error {
	_, err := fmt.Fprintf(stdout, "yroom %s (%s, %s/%s)\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}

// release is the version of a release build, which "make dist" sets.
var release string

// version is that of a release, or the module's in a build by "go install", else "devel".
func version() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
