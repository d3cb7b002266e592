package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/store"
)

// finding is something that an operator should know about a store or a room.
type finding struct {
	Room     string   `json:"room,omitempty"`
	Kind     string   `json:"kind"`
	Detail   string   `json:"detail"`
	Means    string   `json:"means"`
	Advice   string   `json:"advice"`
	Commands []string `json:"commands,omitempty"`
}

// doctorReport prints findings as they come.
type doctorReport struct {
	Store    string  `json:"store"` // without a password
	Rooms    int     `json:"rooms"`
	Entries  int     `json:"entries"`
	Bytes    int     `json:"bytes"`
	Affected int     `json:"affected_rooms"`
	Findings int     `json:"findings"`
	Repaired int     `json:"repaired_rooms"`
	Seconds  float64 `json:"seconds"`

	out   io.Writer
	json  bool
	file  string // the settings file, if one was named
	show  func(line string)
	clear func()
	last  string // the room of the finding before
	begun time.Time
	errs  []error
}

func newDoctorReport(e environment, url, file string, asJSON bool) *doctorReport {
	r := &doctorReport{Store: withoutPassword(url), out: e.stdout, json: asJSON, file: file, show: showProgress(e), clear: func() {}, begun: time.Now()}
	if isTerminal(e.stderr) {
		r.clear = func() { fmt.Fprint(e.stderr, clearLine) }
	}
	return r
}

func (r *doctorReport) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(r.out, format, args...); err != nil {
		r.errs = append(r.errs, err)
	}
}

// room counts a room, and prints what was found in it.
func (r *doctorReport) room(room store.Inspected, findings []finding) {
	if !room.Deleted {
		r.Rooms++
	}
	r.Entries += room.Count
	r.Bytes += room.Bytes
	if len(findings) > 0 {
		r.Affected++
	}
	for _, f := range findings {
		r.add(f)
	}
}

// add prints a finding.
func (r *doctorReport) add(f finding) {
	r.Findings++
	r.clear()
	k := kinds[f.Kind]
	f.Means, f.Advice = k.means, k.advice
	f.Commands = r.commands(f.Room, k.commands)
	if r.json {
		r.object(f)
		return
	}
	if r.Findings == 1 || f.Room != r.last {
		name := f.Room
		if name == "" {
			name = "The store"
		}
		r.printf("%s\n", name)
	}
	r.last = f.Room
	r.printf("  %s: %s\n    %s\n    %s\n", f.Kind, f.Detail, f.Means, f.Advice)
	for _, command := range f.Commands {
		r.printf("    $ %s\n", command)
	}
}

// commands returns commands for a room. No command takes a name that is not UTF-8.
func (r *doctorReport) commands(room string, of []string) (commands []string) {
	if room != "" && event.CheckStored(unshownName(room)) != nil {
		return nil
	}
	name := shellWord(room)
	if strings.HasPrefix(room, "-") {
		name = "-- " + name
	}
	settings := ""
	if r.file != "" {
		settings = " --config " + shellWord(r.file)
	}
	words := strings.NewReplacer("STORE", shellWord(r.Store)+settings, "BACKUP", "BACKUP"+settings, "ROOM", name, "FILE", shellWord(fileFor(room)))
	for _, command := range of {
		commands = append(commands, words.Replace(command))
	}
	return commands
}

func (r *doctorReport) object(v any) {
	to := json.NewEncoder(r.out)
	to.SetEscapeHTML(false) // the commands are for shells
	if err := to.Encode(v); err != nil {
		r.errs = append(r.errs, err)
	}
}

// repaired prints what was changed in a room.
func (r *doctorReport) repaired(room, done string) {
	r.Repaired++
	r.clear()
	if r.json {
		r.object(struct {
			Room     string `json:"room"`
			Repaired string `json:"repaired"`
		}{shownName(room), done})
		return
	}
	r.printf("%s\n  %s\n", shownName(room), done)
	r.last = room
}

// end prints the totals. complete is false if the examination was ended by an error.
func (r *doctorReport) end(complete bool) error {
	r.clear()
	r.Seconds = time.Since(r.begun).Round(time.Millisecond).Seconds()
	switch {
	case !complete:
	case r.json:
		r.object(r)
	default:
		r.printf("%s: %d rooms with %d entries of %d bytes were examined in %.1f s: ", r.Store, r.Rooms, r.Entries, r.Bytes, r.Seconds)
		if r.Findings == 0 {
			r.printf("nothing was found.\n")
		} else {
			r.printf("%d findings, in %d rooms.\n", r.Findings, r.Affected)
		}
	}
	return errors.Join(r.errs...)
}

// shellWord returns a word for a shell.
func shellWord(word string) string {
	plain := func(c rune) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.ContainsRune("-_./:@+,=", c)
	}
	if word != "" && strings.IndexFunc(word, func(c rune) bool { return !plain(c) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// fileFor returns a name for the file with a copy of a room.
func fileFor(room string) string {
	name := strings.Map(func(c rune) rune {
		if inName(c) {
			return c
		}
		return '-'
	}, room)
	if name == "" {
		return "before.db"
	}
	if strings.HasPrefix(name, "-") { // otherwise it would be a flag
		name = "./" + name
	}
	return fmt.Sprintf("%.40s.update", name)
}
