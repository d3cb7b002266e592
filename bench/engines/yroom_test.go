package engines_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/yjs"
)

// figures are the results of a job by name: times in nanoseconds, memory in bytes, and
// counts. The floor of a figure has its name with the suffix " floor".
type figures map[string]float64

// job does its work with the inputs in a folder.
type job func(folder string) (figures, error)

// jobs are the jobs of run.mjs, for yroom.
var jobs = withHistories(map[string]job{
	"b4": func(folder string) (figures, error) {
		in, err := read(folder, "b4")
		if err != nil {
			return nil, err
		}
		s, f, err := load(in[0], blocks.V1, scanV1)
		if err != nil {
			return nil, err
		}
		f["encode"] = repeated(func() { s.Encode(blocks.V1) })
		f["encode floor"] = f["warm floor"]
		return f, diffs(f, s, in[1])
	},
	"v2": func(folder string) (figures, error) {
		in, err := read(folder, "v2")
		if err != nil {
			return nil, err
		}
		_, f, err := load(in[0], blocks.V2, scanV2)
		return f, err
	},
	"x10": func(folder string) (figures, error) {
		in, err := read(folder, "x10")
		if err != nil {
			return nil, err
		}
		s := blocks.New()
		if _, err := s.Apply(in[0], blocks.V1); err != nil {
			return nil, err
		}
		f := figures{"elements": elements(s)}
		return f, diffs(f, s, in[1])
	},
	"x100": func(folder string) (figures, error) {
		in, err := read(folder, "x100")
		if err != nil {
			return nil, err
		}
		before := memory()
		s := blocks.New()
		first := timed(func() { err = s.Load(in[0], blocks.V1) })
		if err != nil {
			return nil, err
		}
		f := figures{"first": first, "heap": memory() - before, "elements": elements(s)}
		f["first floor"] = repeated(func() { sum += scanV1(in[0]) })
		f["taken"] = repeated(func() {
			if e := take(in[0], blocks.V1); e != nil {
				err = e
			}
		})
		if err != nil {
			return nil, err
		}
		return f, diffs(f, s, in[1])
	},
	"ops":             func(folder string) (figures, error) { return oneByOne(folder, "ops") },
	"inTurn1000":      func(folder string) (figures, error) { return oneByOne(folder, "inTurn1000") },
	"map":             func(folder string) (figures, error) { return oneByOne(folder, "map") },
	"xml":             func(folder string) (figures, error) { return oneByOne(folder, "xml") },
	"friendsforever":  func(folder string) (figures, error) { return oneByOne(folder, "friendsforever") },
	"clownschool":     func(folder string) (figures, error) { return oneByOne(folder, "clownschool") },
	"sveltecomponent": func(folder string) (figures, error) { return oneByOne(folder, "sveltecomponent") },
	"clients10":       func(folder string) (figures, error) { return clients(folder, 10) },
	"clients100":      func(folder string) (figures, error) { return clients(folder, 100) },
	"clients1000":     func(folder string) (figures, error) { return clients(folder, 1000) },
	"clients4000":     func(folder string) (figures, error) { return clients(folder, 4000) },
	"read":            readB4,
	"edits":           randomEdits,
	"merge": func(folder string) (figures, error) {
		updates, err := read(folder, "merge")
		if err != nil {
			return nil, err
		}
		f := figures{"time": timed(func() { _, err = blocks.Merge(blocks.V1, updates...) })}
		f["time floor"] = repeated(func() { sum += scanAll(updates) })
		return f, err
	},
})

// sum keeps the compiler from eliminating scans.
var sum uint64

func read(folder, name string) ([][]byte, error) {
	file, err := os.ReadFile(filepath.Join(folder, name))
	return records(file), err
}

// timed returns the duration of a call in nanoseconds.
func timed(work func()) float64 {
	start := time.Now()
	work()
	return float64(time.Since(start))
}

// repeated returns the median duration of 3 to 200 calls, within 0.2 s.
func repeated(work func()) float64 {
	return inTurn(work)[0]
}

// inTurn returns the median duration of 3 to 200 calls of each function. The functions are
// called in turn, so that a slow phase of the machine doesn't change how their times compare.
func inTurn(works ...func()) []float64 {
	times := make([][]float64, len(works))
	for rounds, total := 0, 0.0; rounds < 3 || rounds < 200 && total < 2e8*float64(len(works)); rounds++ {
		for i, work := range works {
			took := timed(work)
			times[i] = append(times[i], took)
			total += took
		}
	}
	medians := make([]float64, len(works))
	for i, t := range times {
		slices.Sort(t)
		medians[i] = t[len(t)/2]
	}
	return medians
}

// memory returns the size of the heap after a garbage collection.
func memory() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// elements returns the number of elements of a document according to its state vector.
func elements(s *blocks.Store) (total float64) {
	vector := s.StateVector()
	next := func() uint64 {
		v, n := binary.Uvarint(vector)
		vector = vector[n:]
		return v
	}
	for n := next(); n > 0; n-- {
		next()
		total += float64(next())
	}
	return total
}

// diffs measures the diffs for a client that has the whole document and for a client
// with the state vector stale.
func diffs(f figures, s *blocks.Store, stale []byte) error {
	for name, vector := range map[string][]byte{"diffCurrent": s.StateVector(), "diffStale": stale} {
		diff, err := s.Diff(vector, blocks.V1)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		times := inTurn(func() { diff, err = s.Diff(vector, blocks.V1) }, func() { sum += scanV1(diff) })
		f[name], f[name+" floor"] = times[0], times[1]
	}
	return nil
}

// load measures loading a document from an update, as a room loads what is stored, and
// taking the update from a client.
func load(update []byte, enc blocks.Encoding, scan func([]byte) uint64) (*blocks.Store, figures, error) {
	var err error
	stored := func() (s *blocks.Store) {
		s = blocks.New()
		if e := s.Load(update, enc); e != nil {
			err = e
		}
		return s
	}
	var s *blocks.Store
	f := figures{"first": timed(func() { s = stored() })}
	if err != nil {
		return nil, nil, err
	}
	f["first floor"] = timed(func() { sum += scan(update) })
	times := inTurn(func() { stored() }, func() { sum += scan(update) })
	f["warm"], f["warm floor"] = times[0], times[1]
	f["taken"] = repeated(func() {
		if e := take(update, enc); e != nil {
			err = e
		}
	})
	f["elements"] = elements(s)
	return s, f, err
}

// take takes an update from a client, as the room of a new document does.
func take(update []byte, enc blocks.Encoding) error {
	s := blocks.NewWith(blocks.Options{Try: func(updates func() [][]byte) error { return yjs.Try(updates()...) }})
	s.HoldPending()
	_, err := s.Apply(update, enc)
	return err
}

// oneByOne measures applying updates one by one to an empty document.
func oneByOne(folder, name string) (figures, error) {
	updates, err := read(folder, name)
	if err != nil {
		return nil, err
	}
	before := memory()
	var start, end runtime.MemStats
	runtime.ReadMemStats(&start)
	s := blocks.New()
	f := figures{"time": timed(func() { err = applyAll(s, updates) })}
	if err != nil {
		return nil, err
	}
	runtime.ReadMemStats(&end)
	f["heap"] = memory() - before
	f["elements"] = elements(s)
	f["heapOfEncoded"] = f["heap"] / float64(len(s.Encode(blocks.V1)))
	f["updates"] = float64(len(updates))
	f["update"] = f["time"] / float64(len(updates))
	f["allocations"] = float64(end.Mallocs-start.Mallocs) / float64(len(updates))
	f["time floor"] = repeated(func() { sum += scanAll(updates) })
	f["update floor"] = f["time floor"] / float64(len(updates))
	return f, nil
}

func applyAll(s *blocks.Store, updates [][]byte) error {
	for i, u := range updates {
		if _, err := s.Apply(u, blocks.V1); err != nil {
			return fmt.Errorf("update %d: %w", i, err)
		}
	}
	return nil
}

// clients measures the time of an update in a document with n clients: of the updates
// after the first ones, up to 4000, in as many documents as necessary.
func clients(folder string, n int) (figures, error) {
	updates, err := read(folder, fmt.Sprint("clients", n))
	if err != nil {
		return nil, err
	}
	first, next := updates[:n+1], updates[n+1:min(n+4001, len(updates))]
	var time, count float64
	for ; count < 4000; count += float64(len(next)) {
		s := blocks.New()
		if err := applyAll(s, first); err != nil {
			return nil, err
		}
		time += timed(func() { err = applyAll(s, next) })
		if err != nil {
			return nil, err
		}
	}
	return figures{
		"update":       time / count,
		"update floor": repeated(func() { sum += scanAll(next) }) / float64(len(next)),
	}, nil
}
