package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// typed is what a user types in a terminal, where | is Tab, and the line that it becomes.
var typed = map[string]string{
	"yroom hea|http://x":                           "yroom health http://x",
	"yroom room expo|notes --form|te|":             "yroom room export notes --format text",
	"yroom room export notes --format=te|":         "yroom room export notes --format=text",
	"yroom room export 'a b' --form|te|":           "yroom room export a b --format text",
	"yroom serve --store sqlite:a.db --log-l|war|": "yroom serve --store sqlite:a.db --log-level warn",
	"yroom serve --store memory: --log-l|war|":     "yroom serve --store memory: --log-level warn",
	"yroom backup --config only-o|":                "yroom backup --config only-one.yaml", // the name of a file
	"yroom backup --config=only-o|":                "yroom backup --config=only-one.yaml",
}

// In a terminal, bash and zsh complete what a user types.
func TestCompletionInTerminal(t *testing.T) {
	terminal := testkit.Program(t, "script", "on Debian, apt-get install bsdutils")
	for shell, start := range map[string]struct{ command, file, text string }{
		"bash": {"bash --rcfile start", "start", ""},
		"zsh":  {"zsh", ".zshrc", "bindkey -e\nautoload -U compinit\ncompinit -D\n"},
	} {
		t.Run(shell, func(t *testing.T) {
			testkit.Program(t, shell, "on Debian, apt-get install "+shell)
			dir := t.TempDir()
			for name, text := range map[string]string{
				start.file: start.text + "eval \"$(yroom completion " + shell + ")\"\n" +
					"PS1='ready>'\nshow() { printf 'begin:%s:end' \"$*\"; }\n",
				"only-one.yaml": "",
			} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.CommandContext(t.Context(), terminal, "--quiet", "--return", "--command", start.command, "/dev/null")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "TERM=dumb", "HOME="+dir, "ZDOTDIR="+dir, "INPUTRC=/dev/null")
			keys, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			shown, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			screen := bufio.NewReader(shown)
			await := func(end string) (text string) {
				t.Helper()
				for !strings.HasSuffix(text, end) {
					c, err := screen.ReadByte()
					if err != nil {
						t.Fatalf("%v, after %q", err, text)
					}
					text += string(c)
				}
				return text
			}
			await("ready>")
			for line, want := range typed {
				// Control-A goes to the beginning of the line.
				if _, err := io.WriteString(keys, strings.ReplaceAll(line, "|", "\t")+"\x01show \r"); err != nil {
					t.Fatal(err)
				}
				if got := await(":end"); !strings.HasSuffix(got, "begin:"+want+":end") {
					t.Errorf("%s becomes %q, want %q", line, got, want)
				}
			}
			if err := keys.Close(); err != nil {
				t.Error(err)
			}
			_, _ = io.Copy(io.Discard, screen)
			_ = cmd.Wait() // the shell ends when its input does
		})
	}
}

// fish completes what a user types.
func TestCompletionInFish(t *testing.T) {
	fish := testkit.Program(t, "fish", "on Debian, apt-get install fish")
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "only-one.yaml"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"yroom hea":                                  "health\tAsk a process whether it is alive (/healthz) or ready (/readyz).\n",
		"yroom room export notes --format te":        "text\n",
		"yroom room export notes --format=te":        "--format=text\n",
		"yroom room export 'a b' --format te":        "text\n",
		"yroom serve --store memory: --log-level wa": "warn\n",
		"yroom backup --config only-o":               "only-one.yaml\n",
		"yroom backup --config=only-o":               "--config=only-one.yaml\n",
	} {
		cmd := exec.CommandContext(t.Context(), fish, "--no-config", "--command", `yroom completion fish | source; complete --do-complete $argv[1]`, line)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HOME="+dir)
		if got, err := cmd.CombinedOutput(); err != nil || strings.ReplaceAll(string(got), "\t\n", "\n") != want {
			t.Errorf("%s: fish suggests %q (%v), want %q", line, got, err, want)
		}
	}
}
