package sqlitestore_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/sqlitestore"
)

var (
	powerSeed = flag.Uint64("power-seed", 0, "seed of the power losses; 0: random")
	powerCuts = flag.Int("power-cuts", 100, "number of power losses at each level of durability")
)

const (
	powerRounds  = 2 // each round begins with the files that a power loss in the previous one has left
	powerRooms   = 4
	powerWriters = 8
)

func powerRoom(i int) string { return "room " + strconv.Itoa(i%powerRooms) }

// childAcknowledges appends and compacts in two sessions, and prints each append once
// it has returned. It ends the second session without closing the store.
func childAcknowledges(t *testing.T, path string, level store.Durability) {
	run := rand.Uint64()
	config := at(level)
	config.Webhooks = func(string, store.NoticeKind) []string { return []string{"hook"} }
	for session, appends := range []int{12, 60} {
		s, err := sqlitestore.Open(path, config)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var writers, compactor sync.WaitGroup
		for w := range powerWriters {
			writers.Go(func() {
				for i := range appends {
					id := fmt.Sprintf("%x/%d/%d/%d", run, session, w, i)
					filler := " ." + strings.Repeat("x", rand.IntN(12_000))
					if _, err := s.Append(ctx, powerRoom(w), v1(id+filler)); err != nil {
						t.Error(err)
						return
					}
					fmt.Println("acknowledged", id)
				}
			})
		}
		compactor.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				l, err := s.Load(ctx, powerRoom(i))
				if err == nil {
					err = s.Compact(ctx, powerRoom(i), l, v1(strings.Join(ids(l), " ")))
				}
				if err != nil && !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
		writers.Wait()
		stop()
		compactor.Wait()
		if session > 0 || t.Failed() {
			add(t, s, powerRoom(0), fmt.Sprintf("%x/%d/%d/0", run, session, powerWriters)) // once the compaction that may be queued is done
			break
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	os.Exit(0)
}

// ids returns the ids of the appends in a log, without their filler.
func ids(l store.Log) (all []string) {
	for _, e := range l.Entries {
		for word := range strings.FieldsSeq(string(e.Data)) {
			if word[0] != '.' {
				all = append(all, word)
			}
		}
	}
	return all
}

// After a power loss, every synced append is there, and any part of the others.
func TestPowerLoss(t *testing.T) {
	testkit.SkipUnderRace(t)
	seed := *powerSeed
	for seed == 0 {
		seed = rand.Uint64()
	}
	for _, level := range []store.Durability{store.DurabilityFsync, store.DurabilityCommit} {
		t.Run(level.String(), func(t *testing.T) {
			var left map[string][]byte
			var has []string
			cuts, lost, acknowledged := 0, 0, 0
			for round := range powerRounds {
				p := work(t, level, left)
				p.seed, p.round = seed, uint64(round)
				p.had = has
				var s sums
				left, has, s = p.lose(*powerCuts / powerRounds)
				cuts, lost, acknowledged = cuts+s.cuts, lost+s.lost, acknowledged+s.acknowledged
			}
			t.Logf("%d power losses; %d of %d acknowledged appends lost", cuts, lost, acknowledged)
			if level == store.DurabilityCommit && lost == 0 {
				t.Error("nothing was lost although nothing was synced: the test doesn't simulate power losses")
			}
		})
	}
}

// power is the trace of a process, with all moments at which the power can be lost.
type power struct {
	*testing.T

	level   store.Durability
	began   map[string][]byte
	had     []string // the appends in the file when the process began
	path    string
	moments []moment
	trace   string

	seed, round uint64
}

// work runs a process on the files of began, and records its system calls.
func work(t *testing.T, level store.Durability, began map[string][]byte) *power {
	t.Helper()
	dir := t.TempDir()
	lay(t, dir, began)
	p := &power{T: t, level: level, began: began, path: filepath.Join(dir, "rooms.db")}
	p.trace = traced(t, "acknowledges-"+level.String(), p.path, "-y", "-xx", "-s", "1000000", "-e", "signal=none", "-e", straced)
	var err error
	if p.moments, err = moments(p.trace); err != nil {
		t.Fatal(err)
	}
	d := newDisk(dir, began)
	for _, m := range p.moments {
		if err := d.pass(m); err != nil {
			t.Fatal(err)
		}
	}
	all := d.all()
	for name, data := range all { // otherwise the trace is incomplete
		is, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(is, data) {
			t.Errorf("the content of %s differs from what the trace has written (%v)", name, err)
		}
	}
	there, err := os.ReadDir(dir)
	if err != nil || len(there) != len(all)+1 { // the -shm file is not traced
		t.Errorf("the directory holds %v (%v), and the trace has written to %v", there, err, slices.Sorted(maps.Keys(all)))
	}
	return p
}

func lay(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

type sums struct{ cuts, lost, acknowledged int }

// lose simulates power losses at random moments. It returns the files that one of them
// has left, and the appends in these files.
func (p *power) lose(cuts int) (left map[string][]byte, has []string, s sums) {
	p.Helper()
	r := rand.New(rand.NewPCG(p.seed, p.round))
	at := make([]int, cuts)
	for i := range at {
		at[i] = r.IntN(len(p.moments))
	}
	slices.Sort(at)
	goesOn := r.IntN(cuts)
	d := newDisk(filepath.Dir(p.path), p.began)
	var acknowledged []string
	for i, m := range p.moments {
		for len(at) > 0 && at[0] == i { // the power is lost before this moment
			at = at[1:]
			files := d.cut(r)
			if r.IntN(2) == 0 {
				files["rooms.db-shm"] = bytes.Repeat([]byte{byte(r.Uint32())}, 32<<10)
			}
			holds, lost := p.check(files, acknowledged)
			if p.Failed() {
				p.keep(i, files)
			}
			if s.cuts == goesOn {
				left, has = maps.Clone(files), holds
				delete(left, "rooms.db-shm")
			}
			s.cuts, s.lost, s.acknowledged = s.cuts+1, s.lost+lost, s.acknowledged+len(acknowledged)
		}
		if m.path == "stdout" && !m.ended {
			if id, is := strings.CutPrefix(string(m.data), "acknowledged "); is {
				acknowledged = append(acknowledged, strings.TrimSpace(id))
			}
		}
		if err := d.pass(m); err != nil {
			p.Fatal(err)
		}
	}
	return left, has, s
}

// check opens the files that a power loss has left.
func (p *power) check(files map[string][]byte, acknowledged []string) (holds []string, lost int) {
	p.Helper()
	dir, err := os.MkdirTemp(memory(p.TempDir()), "power")
	if err != nil {
		p.Fatal(err)
	}
	defer os.RemoveAll(dir)
	lay(p.T, dir, files)
	s, err := sqlitestore.Open(filepath.Join(dir, "rooms.db"), sqlitestore.Config{})
	if err != nil {
		p.Errorf("Open: %v", err)
		return nil, 0
	}
	defer s.Close() // the files are not used again
	there, last := map[string]bool{}, map[string]store.Position{}
	for i := range powerRooms {
		l, err := s.Load(p.Context(), powerRoom(i))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			p.Errorf("Load: %v", err)
		}
		for _, id := range ids(l) {
			if there[id] {
				p.Errorf("%s is there twice", id)
			}
			there[id] = true
		}
		last[powerRoom(i)] = l.Last()
	}
	if noticed := p.noticed(s); !maps.Equal(noticed, last) {
		p.Errorf("the newest entries are at the positions %v, and the notices at %v", last, noticed)
	}
	for id := range there { // each writer waits for one append before the next
		at := strings.LastIndex(id, "/") + 1
		if n, err := strconv.Atoi(id[at:]); err != nil || n > 0 && !there[id[:at]+strconv.Itoa(n-1)] {
			p.Errorf("%s is there, and the append before it is not", id)
		}
	}
	for _, id := range p.had {
		if !there[id] {
			p.Errorf("%s, which was in the file when the process began, is lost", id)
		}
	}
	for _, id := range acknowledged {
		if !there[id] {
			lost++
			if p.level == store.DurabilityFsync {
				p.Errorf("%s, which was acknowledged, is lost", id)
			}
		}
	}
	return slices.Collect(maps.Keys(there)), lost
}

// noticed returns the position of the newest notice of each room, or 0.
func (p *power) noticed(s *sqlitestore.Store) map[string]store.Position {
	p.Helper()
	at := map[string]store.Position{}
	for i := range powerRooms {
		at[powerRoom(i)] = 0
	}
	for {
		taken, err := s.TakeNotices(p.Context(), store.Taking{Webhook: "hook", Limit: powerRooms, Lease: time.Hour})
		if err != nil {
			p.Errorf("TakeNotices: %v", err)
		}
		if len(taken) == 0 {
			return at
		}
		for _, n := range taken {
			at[n.Room] = n.Position
			if err := s.RemoveNotice(p.Context(), n); err != nil {
				p.Errorf("RemoveNotice: %v", err)
			}
		}
	}
}

// memory returns a directory in memory, or on disk if there is none. The checks need no
// durability.
func memory(otherwise string) string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() && info.Mode().Perm()&fs.FileMode(0o2) != 0 {
		return "/dev/shm"
	}
	return otherwise
}

// keep saves the files and the trace of a failure, because runs can't be repeated.
func (p *power) keep(at int, files map[string][]byte) {
	p.Helper()
	dir, err := os.MkdirTemp("", "yroom-power")
	if err != nil {
		p.Fatal(err)
	}
	lay(p.T, dir, files)
	lay(p.T, dir, map[string][]byte{"trace": []byte(p.trace)})
	p.Fatalf("the power was lost before moment %d of round %d, with -power-seed=%d; the files and the trace are in %s",
		at, p.round, p.seed, dir)
}
