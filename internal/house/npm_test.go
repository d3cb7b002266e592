package house

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// oldestNode is the version of Node.js that README.md asks for.
const oldestNode = 20

// newerNode holds the npm packages that declare a newer version of Node.js than
// oldestNode, each with the reason why the repository installs it.
var newerNode = map[string]string{
	"@y/y":               "the newest of yjs 14, which is what clients will have, declares Node.js 22 and runs in 20",
	"@hocuspocus/server": "no version 4 declares Node.js 20, and what the tests use of it runs there",
}

// npm warns about each package that declares a newer version of Node.js than the one that
// installs it.
func TestNodeOfPackages(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := "Node.js " + strconv.Itoa(oldestNode) + " or newer"; !strings.Contains(string(readme), want) {
		t.Errorf("README.md doesn't ask for %s", want)
	}
	files, err := exec.Command("git", "ls-files", "*package-lock.json").Output()
	if err != nil {
		t.Fatal(err)
	}
	atLeast := regexp.MustCompile(`^(?:\^[\d.]+ \|\| )*>= ?v?(\d+)(\.(?:\d+|x))*$`)
	unused := map[string]bool{}
	for name := range newerNode {
		unused[name] = true
	}
	declared := 0
	for file := range strings.FieldsSeq(string(files)) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lock struct {
			Packages map[string]struct{ Engines struct{ Node string } }
		}
		if err := json.Unmarshal(data, &lock); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for path, installed := range lock.Packages {
			if installed.Engines.Node == "" {
				continue
			}
			declared++
			name := path[strings.LastIndex(path, "node_modules/")+len("node_modules/"):]
			m := atLeast.FindStringSubmatch(installed.Engines.Node)
			if m == nil {
				t.Errorf("%s: %s declares Node.js %q: teach this test to read it", file, name, installed.Engines.Node)
				continue
			}
			if least, _ := strconv.Atoi(m[1]); least > oldestNode {
				delete(unused, name)
				if newerNode[name] == "" {
					t.Errorf("%s: %s declares Node.js %s, and README.md asks for %d: install another version", file, name, installed.Engines.Node, oldestNode)
				}
			}
		}
	}
	if declared < 50 {
		t.Errorf("only %d packages declare a version of Node.js", declared)
	}
	for name := range unused {
		t.Errorf("newerNode has %s, which is not needed", name)
	}
}
