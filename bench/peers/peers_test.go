// Package peers_test compares yroom with other servers for Yjs documents. "yroom bench"
// puts the same load on each of them. A server runs on one core, and its clients on
// another. The servers take turns.
//
//	YROOM_TRACES=folder go test -run '^$' -bench . -benchtime 1x -timeout 1h ./bench/peers
//
// The folder contains automerge-paper.json.gz, a recording of the writing of a paper,
// which the benchmark calls B4. "make bench-peers" installs the other servers first.
package peers_test

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

var (
	rounds   = flag.Int("rounds", 3, "how many times each server is measured; one that takes long is measured once")
	rows     = flag.String("rows", "", "measure only the scenarios whose names contain one of these texts, separated by commas")
	patience = flag.Duration("patience", 30*time.Second, "how long a server may take in a round of a scenario")
	only     = flag.String("servers", "", "measure only the servers whose names contain one of these texts, separated by commas")
)

// long is how long a server may take in a round of a scenario to be measured again.
const long = 6 * time.Second

func BenchmarkPeers(b *testing.B) {
	program := testkit.Build(b)
	var present []server
	missing := map[string]string{}
	for _, s := range allServers {
		if !chosen(*only, s.name) {
			continue
		}
		if why := s.missing(); why != "" {
			missing[s.name] = why
			continue
		}
		present = append(present, s)
	}
	var wanted []scenario
	for _, sc := range scenarios {
		if chosen(*rows, sc.name) {
			wanted = append(wanted, sc)
		}
	}
	in := makeInputs(b, slices.ContainsFunc(wanted, func(sc scenario) bool { return sc.document != nil }))
	for range b.N {
		t := newTable(present)
		began := time.Now()
		for _, sc := range wanted {
			measure(b, t, program, in, sc, began)
		}
		fmt.Printf("\n%s\n%s\n%s", t.markdown(missing), t.verdicts(), t.floors()) // the log of a benchmark is truncated after ten lines
	}
}

// chosen reports whether a name contains one of the texts, which commas separate. No text
// chooses everything.
func chosen(texts, name string) bool {
	return slices.ContainsFunc(strings.Split(texts, ","), func(text string) bool { return strings.Contains(name, text) })
}

// measure plays a scenario with all servers in turn.
func measure(b *testing.B, t *table, program string, in inputs, sc scenario, began time.Time) {
	b.Helper()
	if sc.copied {
		t.add(copying, sc.name, figures{"ms": copyFile(b, sc.document(in))})
	}
	if sc.committed {
		t.add(commit, sc.name, figures{"ms": commitTime(b)})
	}
	if sc.writes != (burst{}) {
		t.add(bare, sc.name, writeCost(b, sc.writes))
	}
	done := map[string]bool{}
	for round := range *rounds {
		var turn []server
		for i := range t.servers {
			if s := t.servers[(round+i)%len(t.servers)]; !done[s.name] && (s.ours() || !sc.ours) {
				turn = append(turn, s)
			}
		}
		if len(turn) == 0 {
			return
		}
		fmt.Printf("%4.0f s  %s, round %d of %d:", time.Since(began).Seconds(), sc.name, round+1, *rounds)
		for _, s := range turn {
			fmt.Printf(" %s", s.name)
			start := time.Now()
			f, err := play(b, s, program, in, sc)
			if err != nil {
				fmt.Printf(" (%s)", cause(err))
				t.fail(s.name, sc.name, err)
			} else {
				t.add(s.name, sc.name, f)
			}
			done[s.name] = err != nil || time.Since(start) > long
		}
		fmt.Println()
	}
}

// errDiverged means that the clients of a server held different documents at the end.
var errDiverged = errors.New("its clients held different documents at the end")

// cause returns what a cell of the table shows for an error.
func cause(err error) string {
	if errors.Is(err, errDiverged) {
		return "diverges"
	}
	return "-"
}
