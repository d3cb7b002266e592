package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// completeCmd is what the scripts of "yroom completion" run when the user presses Tab.
type completeCmd struct {
	Words []string `arg:"" optional:"" help:"The words after the name of the program, up to the one that is completed."`
}

// Run prints the suggestions for the last word, one per line: the text, a tab and the help.
func (c completeCmd) Run(context *kong.Context, stdout io.Writer) error {
	for _, s := range complete(context.Model.Node, c.Words) {
		if _, err := fmt.Fprintf(stdout, "%s\t%s\n", s.text, s.help); err != nil {
			return err
		}
	}
	return nil
}

// suggestion is a text that can take the place of the word that is completed.
type suggestion struct{ text, help string }

// complete returns the suggestions for the last of the words that follow the name of the
// program: commands, flags, and values that have a list. It returns none for any other
// value, such as the name of a file.
func complete(command *kong.Node, words []string) []suggestion {
	if len(words) == 0 {
		return nil
	}
	words, last := words[:len(words)-1], words[len(words)-1]
	var (
		flag      *kong.Value // the next word is its value
		arguments int         // that the words have given to the command
		noFlags   bool        // after --
	)
	for _, word := range words {
		child := visible(command, word)
		switch {
		case flag != nil:
			flag = nil
		case word == "--":
			noFlags = true
		case !noFlags && strings.HasPrefix(word, "-"):
			flag = flagOf(command, word)
		case child != nil:
			command, arguments = child, 0
		default:
			arguments++
		}
	}
	var all []suggestion
	name, _, assigns := strings.Cut(last, "=")
	switch {
	case flag != nil:
		all = valuesOf(flag, "")
	case !noFlags && strings.HasPrefix(last, "-") && assigns:
		all = valuesOf(flagOf(command, name), name+"=")
	case !noFlags && strings.HasPrefix(last, "-"):
		all = flagsOf(command)
	case !command.Leaf():
		for _, child := range command.Children {
			if !child.Hidden {
				all = append(all, suggestion{child.Name, child.Help})
			}
		}
	case len(command.Positional) > 0:
		all = valuesOf(command.Positional[min(arguments, len(command.Positional)-1)], "")
	}
	var fitting []suggestion
	for _, s := range all {
		if strings.HasPrefix(s.text, last) {
			fitting = append(fitting, s)
		}
	}
	return fitting
}

// visible returns the command of that name below another one, or nil.
func visible(command *kong.Node, name string) *kong.Node {
	for _, child := range command.Children {
		if child.Name == name && !child.Hidden {
			return child
		}
	}
	return nil
}

// flagOf returns the flag for a word such as --store or -o, if the value of this flag is
// the next word. It returns nil if there is no such flag, if it has no value, and if the
// word has the value as well.
func flagOf(command *kong.Node, word string) *kong.Value {
	for _, group := range command.AllFlags(true) {
		for _, f := range group {
			if (word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short)) && !f.IsBool() {
				return f.Value
			}
		}
	}
	return nil
}

// flagsOf returns the flags of a command and of those above it.
func flagsOf(command *kong.Node) (all []suggestion) {
	for _, group := range command.AllFlags(true) {
		for _, f := range group {
			all = append(all, suggestion{"--" + f.Name, f.Help})
			if f.Tag.Negatable != "" {
				all = append(all, suggestion{"--no-" + f.Name, "The opposite of --" + f.Name + "."})
			}
		}
	}
	return all
}

// valuesOf returns the values of a flag or an argument that has a list of them. value may
// be nil.
func valuesOf(value *kong.Value, before string) (all []suggestion) {
	if value == nil {
		return nil
	}
	list := value.Tag.Get("values") // checked by the command
	if value.Enum != "" {           // checked by kong
		list = value.Enum
	}
	for text := range strings.FieldsFuncSeq(list, func(r rune) bool { return r == ',' }) {
		all = append(all, suggestion{before + text, ""})
	}
	return all
}
