package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type manCmd struct{}

// Run prints the manual page.
func (manCmd) Run(context *kong.Context, stdout io.Writer) error {
	_, err := io.WriteString(stdout, manual(context.Model))
	return err
}

// manual returns a manual page of the program in man(7).
func manual(program *kong.Application) string {
	page := new(roff)
	page.linef(`.TH YROOM 1 "" "yroom %s" "User Commands"`, version())
	page.linef(".SH NAME")
	page.text("yroom - " + strings.TrimSuffix(program.Help, "."))
	page.linef(".SH SYNOPSIS")
	page.linef(`.B yroom`)
	page.linef(`.I command`)
	page.linef(`.RI [ flags ]`)
	page.linef(".SH DESCRIPTION")
	page.text("yroom serves documents of Yjs: several people edit one document at the same time. "+
		"yroom serve listens on 127.0.0.1:8000 and stores documents in yroom.db in the working directory.",
		"yroom COMMAND --help describes a command. The documentation is at https://github.com/yroom/yroom.")
	page.linef(".SH COMMANDS")
	for _, command := range program.Children {
		page.command(command)
	}
	page.linef(".SH FLAGS OF ALL COMMANDS")
	page.flags(program.Node)
	page.linef(".SH ENVIRONMENT")
	page.text("Each flag of serve, consumer and worker can also be set by a variable: --listen by YROOM_LISTEN, --api-token-file by YROOM_API_TOKEN_FILE. " +
		"backup and doctor take YROOM_STORE and YROOM_CONFIG. " +
		"The flag overrides the variable, and the variable overrides the settings file.")
	page.linef(".SH FILES")
	page.item("yroom.yaml", "The settings, read from the working directory unless --config names another file.")
	page.item("yroom.db", "The SQLite file with the documents, unless --store names another store.")
	page.linef(".SH EXIT STATUS")
	page.item("0", "Success.")
	page.item("80", "The command line is invalid.")
	page.item("1, 2", "Any other error. 2 has a meaning of its own for yroom room (the room doesn't exist, or exists already) and yroom doctor (the store could not be examined).")
	return page.String()
}

// roff is a page in the language of man(7).
type roff struct{ strings.Builder }

func (r *roff) linef(format string, args ...any) { fmt.Fprintf(r, format+"\n", args...) }

// text adds paragraphs.
func (r *roff) text(paragraphs ...string) {
	for i, p := range paragraphs {
		if i > 0 {
			r.linef(".PP")
		}
		r.linef("%s", escapeRoff(p))
	}
}

// item adds a term with an explanation.
func (r *roff) item(term, explanation string) {
	r.linef(".TP")
	r.linef(`\fB%s\fR`, escapeRoff(term))
	r.text(explanation)
}

// command adds a command and those below it.
func (r *roff) command(c *kong.Node) {
	if c.Hidden {
		return
	}
	r.linef(".SS %s", escapeRoff("yroom "+c.Summary()))
	r.text(c.Help)
	for _, argument := range c.Positional {
		r.item(argument.Summary(), argument.Help)
	}
	r.flags(c)
	for _, child := range c.Children {
		r.command(child)
	}
}

// flags adds the flags of a command without those of the commands above it.
func (r *roff) flags(c *kong.Node) {
	for _, f := range c.Flags {
		if f.Hidden {
			continue
		}
		term := f.String()
		if f.Tag.Negatable != "" {
			term += ", --no-" + f.Name
		}
		r.item(term, f.Help)
	}
}

// escapeRoff escapes a text for roff.
func escapeRoff(text string) string {
	var escaped strings.Builder
	for i, c := range text {
		switch {
		case i == 0 && (c == '.' || c == '\''): // otherwise the line is a request
			escaped.WriteString(`\&` + string(c))
		case c == '\\':
			escaped.WriteString(`\e`)
		case c == '-': // otherwise a hyphen, which can't be copied as a flag
			escaped.WriteString(`\-`)
		case c > '~':
			fmt.Fprintf(&escaped, `\[u%04X]`, c)
		default:
			escaped.WriteRune(c)
		}
	}
	return escaped.String()
}
