// Package attack floods a real server that has little memory, while honest clients in
// other rooms measure how it serves them.
//
// Each file holds one attack. All of them are known to have broken a server: their sizes
// are those at which memory or CPU that others pay for became a fault.
package attack_test

import (
	"context"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

var (
	duration = flag.Duration("attack", 0, "how long all attacks last together; without it, nothing is attacked")
	only     = flag.String("only", "", "the name of the only attack to run")
	shared   = flag.Bool("shared", false, "other processes may use this machine: honest clients may wait five times as long, and any time if they wait without an attack")
)

// An attack runs until ctx ends or it has nothing left to do.
type attack struct {
	name    string
	prepare func(ctx context.Context, a *attacker) // writes the documents that it needs; may be nil
	run     func(ctx context.Context, a *attacker)
}

var attacks = []attack{
	{"none", nil, func(context.Context, *attacker) {}}, // how it is without an attack
	{"slow readers of a large document", largeDocument, slowReaders},
	{"made-up state vectors", largeDocument, madeUpVectors},
	{"large headers", nil, largeHeaders},
	{"many client ids", nil, manyClients},
	{"many types", largeDocument, manyTypes},
	{"many deletions", nil, manyDeletions},
	{"awareness", nil, awarenessFlood},
	{"JSON exports", documentOfTypes, exports},
	{"unread event streams", eventDocument, unreadEvents},
	{"expanding V2", nil, expandingV2},
	{"unfinished messages", nil, unfinishedMessages},
	{"pending blocks", nil, pendingBlocks},
	{"connections", nil, connectionFlood},
	{"rooms", nil, roomFlood},
	{"freezing updates", nil, freezingUpdates},
	{"trickled requests", nil, trickledRequests},
}

const (
	memory  = 1 << 30                // what the server may take
	slowest = time.Second            // the 99th percentile of how long honest clients wait for an edit, or for a document
	quiet   = 100 * time.Millisecond // the same without an attack, on a machine that is fast enough to measure on
)

func TestAttacks(t *testing.T) {
	if *duration == 0 {
		t.Skip("it must not run at the same time as other tests: make test runs it after them, and make attack for longer")
	}
	each, slowest := *duration/time.Duration(len(attacks)), slowest
	if *shared {
		slowest *= 5
	}
	s := start(t)
	honest := newHonest(t, s)
	for _, a := range attacks {
		if *only != "" && a.name != *only {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			by := s.attack(t, a.name)
			s.check(t)
			s.resetPeak(t)
			honest.reset()
			select {
			case <-t.Context().Done():
			case <-time.After(each):
			}
			seen := honest.take()
			peak := s.peak(t)
			said := by.stop()
			t.Logf("peak %d MiB, %v; %s", peak>>20, seen, said)
			if a.name != "none" && strings.Contains(said, " 0 connections") {
				t.Error("nothing was attacked")
			}
			s.check(t)
			if peak > memory {
				t.Errorf("the server took %d MiB of memory, more than %d", peak>>20, memory>>20)
			}
			switch {
			case a.name == "none" && seen.percentile(99) > quiet && *shared:
				t.Log("this machine is too busy to check how long honest clients wait")
				slowest = math.MaxInt64
			case a.name == "none" && seen.percentile(99) > quiet:
				t.Error("this machine is too busy to measure how long honest clients wait")
			case seen.percentile(99) > slowest || seen.percentile(100)/5 > slowest:
				t.Errorf("honest clients waited %v", seen)
			}
			if len(seen) == 0 {
				t.Error("honest clients have received nothing")
			}
			honest.check(t)
		})
		if s.killed.Load() || s.ended() { // this attack has failed; the others need a server
			honest.stop()
			s = start(t)
			honest = newHonest(t, s)
		}
	}
	// A request that trickles in must not delay the shutdown.
	by := s.attack(t, "trickled requests")
	time.Sleep(time.Second)
	honest.stop()
	begin := time.Now()
	s.Signal(t, syscall.SIGTERM)
	status := s.Ended(t)
	if took := time.Since(begin); status != 0 || took > 10*time.Second {
		t.Errorf("the shutdown took %v and ended with status %d", took, status)
	}
	by.stop()
}

var program string // the path of the yroom binary

func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "attack" {
		attackFrom(os.Args[2], os.Args[3])
		return
	}
	_ = os.Setenv("GOMEMLIMIT", "700MiB") // as docs/security.md says for a container of 1 GiB
	testkit.MainWithProgram(m, &program)
}

// settings are those that docs/security.md gives for a small server, and rooms that use V2.
const settings = `memory: 256MiB
message_memory: 64MiB
answer_memory: 96MiB
export_memory: 64MiB
connections: 5000
rooms:
  default: {limits: {document: 80MiB}}
  v2: {update_version: 2}
`

// token is that of the document API.
const token = "token-of-the-attackers"

// start starts a server.
func start(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"yroom.yaml": settings,
		"token":      token,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := &server{Server: testkit.Serve(t, program, dir, "--api-token-file", "token", "--address-header", "X-Forwarded-For", "--log-level", "warn")}
	go s.guard()
	return s
}
