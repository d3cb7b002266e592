package main

import (
	"fmt"
	"os"
	"strings"
)

const longestName = 64

// defaultName returns a name that probably no other process of the cluster has. It is made
// of the host's name without its domain and of the process id. Processes on hosts or in
// containers with the same name need --name.
func defaultName() string {
	host, _ := os.Hostname() // "" if there is none
	host, _, _ = strings.Cut(host, ".")
	host = strings.Map(func(c rune) rune {
		if inName(c) {
			return c
		}
		return '-'
	}, host)
	return fmt.Sprintf("%.40s-%d", host, os.Getpid())
}

func inName(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_.", c)
}

// checkName returns an error unless name can be the name of a process.
func checkName(name string) error {
	if name == "" || len(name) > longestName || strings.ContainsFunc(name, func(c rune) bool { return !inName(c) }) {
		return fmt.Errorf("name %.*q: want 1 to %d letters, digits, hyphens, underscores and dots", longestName, name, longestName)
	}
	return nil
}
