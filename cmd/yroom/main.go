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
	Serve       serve            `cmd:""         help:"Run a server: clients connect to it, and it runs their rooms."`
	Consumer    consumerCmd      `cmd:""         help:"Run a consumer: clients connect to it, and workers run their rooms."`
	Worker      workerCmd        `cmd:""         help:"Run a worker: it runs the rooms of clients that connect to consumers."`
	Health      healthCmd        `cmd:""         help:"Ask a process whether it is alive (/healthz) or ready (/readyz)."`
	Room        roomCommands     `cmd:""         help:"List, export, import and delete rooms, on a server (--server) or in a store (--store)."`
	Backup      backupCmd        `cmd:""         help:"Copy the SQLite file of a server, which may be running."`
	Doctor      doctorCmd        `cmd:""         help:"Examine a store, which a server may be using: find what is damaged, missing or too large."`
	Webhooks    webhookCommands  `cmd:""         help:"List the events that wait for webhooks or were given up, and send them again."`
	Bench       benchCommands    `cmd:""         help:"Measure how any Yjs server serves many clients."`
	Token       tokenCmd         `cmd:""         help:"Print a token with which a client may open rooms."`
	Docs        docsCmd          `cmd:""         help:"Write the documentation as a web site. A server has it at /docs."`
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`

	Version    versionCmd    `cmd:"" help:"Print the version."`
	Man        manCmd        `cmd:"" help:"Print the manual page, for man."`
	Completion completionCmd `cmd:"" help:"Print a script by which a shell completes the commands and flags of yroom."`

	Complete completeCmd `cmd:"" hidden:"" help:"Print what can complete a command line."`
}

func main() {
	var cli commands
	if len(os.Args) == 1 {
		os.Args = append(os.Args, "--help")
	}
	parser, err := kong.New(&cli,
		kong.Vars{"version": versionLine()},
		environmentVariables(map[string][]string{"serve": nil, "consumer": nil, "worker": nil, "backup": {"store", "config"}, "doctor": {"store", "config"}}),
		kong.Name("yroom"),
		kong.Description("A Yjs collaboration server. A running server has the documentation of its version at /docs."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(io.Writer(os.Stdout), (*io.Writer)(nil)),
		kong.Bind(environment{stdout: os.Stdout, stderr: os.Stderr, openLayer: openLayer, untilSignal: untilSignal}),
	)
	if err != nil { // the commands are declared wrongly
		panic(err)
	}
	command, err := parser.Parse(os.Args[1:])
	if err == nil {
		err = command.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "yroom: "+message(err))
		os.Exit(exitStatus(err))
	}
}

// message returns what is printed of an error. After an invalid command line, it says where
// the right one is described.
func message(err error) string {
	invalid, ok := errors.AsType[*kong.ParseError](err)
	if !ok {
		return err.Error()
	}
	if command := invalid.Context.Selected(); command != nil {
		return fmt.Sprintf("%v (%s --help shows how)", err, command.FullPath())
	}
	return fmt.Sprintf("%v (see yroom --help)", err)
}

// exitStatus returns the exit status for an error: that of an invalid command line is 80.
func exitStatus(err error) int {
	if own, ok := errors.AsType[exitError](err); ok {
		return own.status
	}
	if invalid, ok := errors.AsType[*kong.ParseError](err); ok {
		return invalid.ExitCode()
	}
	return 1
}

type versionCmd struct{}

func (versionCmd) Run(stdout io.Writer) error {
	_, err := fmt.Fprintln(stdout, versionLine())
	return err
}

func versionLine() string {
	return fmt.Sprintf("yroom %s (%s, %s/%s)", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// release is the version of a release build. "make dist" sets it.
var release string

// version returns the version of a release build. Other builds have the version
// of the module, such as v0.1.0 in one by "go install …@v0.1.0" and one made of
// time and commit in one from a Git repository, or else "devel".
func version() string {
	if release != "" {
		return release
	}
	info, _ := debug.ReadBuildInfo()
	return moduleVersion(info)
}

// moduleVersion returns the version of the main module, or "devel". info may be nil.
func moduleVersion(info *debug.BuildInfo) string {
	if info == nil || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}
