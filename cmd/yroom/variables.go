package main

import (
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// environmentVariables returns an option by which flags of commands can also be set by a
// variable: --listen by YROOM_LISTEN. flags has those of each command, or none for all flags. An empty
// variable counts as one that is not set.
func environmentVariables(flags map[string][]string) kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		for _, command := range k.Model.Children {
			of, has := flags[command.Name]
			if !has {
				continue
			}
			for _, flag := range command.Flags {
				if of != nil && !slices.Contains(of, flag.Name) {
					continue
				}
				name := variable(flag.Name)
				if value, set := os.LookupEnv(name); set && value == "" {
					if err := os.Unsetenv(name); err != nil {
						return err
					}
				}
				flag.Envs = append(flag.Envs, name)
				flag.Tag.Envs = append(flag.Tag.Envs, name)
			}
		}
		return nil
	})
}

// variable returns the name of the variable for a flag.
func variable(flag string) string {
	return "YROOM_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}
