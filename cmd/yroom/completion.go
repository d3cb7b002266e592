package main

import (
	"embed"
	"io"
)

// completionCmd prints a script that lets a shell complete command lines of yroom. The
// scripts ask the command "complete", so they are the same for all versions.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

//go:embed shells
var shells embed.FS

// Run prints the script.
func (c completionCmd) Run(stdout io.Writer) error {
	script, err := shells.ReadFile("shells/yroom." + c.Shell)
	if err != nil {
		return err
	}
	_, err = stdout.Write(script)
	return err
}
