package engines_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yroom/yroom/blocks"
)

// histories are the names of the documents that many authors have written, of the folder
// egwalker of the recordings.
var histories = []string{"S1", "S2", "S3", "C1", "C2", "A1", "A2"}

// withHistories returns jobs with those of the histories.
func withHistories(jobs map[string]job) map[string]job {
	for _, name := range histories {
		jobs["load"+name] = func(folder string) (figures, error) { return loadHistory(folder, name) }
		jobs["read"+name] = func(folder string) (figures, error) {
			in, err := read(folder, name)
			if err != nil {
				return nil, err
			}
			return readText(in[0], blocks.V2)
		}
	}
	return jobs
}

// loadHistory loads a history in V2 and in V1, encodes it, and compacts what is stored of
// it.
func loadHistory(folder, name string) (figures, error) {
	in, err := read(folder, name)
	if err != nil {
		return nil, err
	}
	v2, v1, stale := in[0], in[1], in[2]
	var s *blocks.Store
	load := func(update []byte, enc blocks.Encoding) {
		s = blocks.New()
		if e := s.Load(update, enc); e != nil {
			err = e
		}
	}
	f := figures{"first": timed(func() { load(v2, blocks.V2) })}
	if err != nil {
		return nil, err
	}
	f["elements"] = elements(s)
	times := inTurn(func() { load(v2, blocks.V2) }, func() { load(v1, blocks.V1) })
	f["warm"], f["warmV1"] = times[0], times[1]
	f["compact"] = repeated(func() {
		load(v1, blocks.V1)
		s.Compact()
		s.Encode(blocks.V1)
	})
	if err != nil {
		return nil, err
	}
	load(v2, blocks.V2)
	f["encode"] = repeated(func() { s.Encode(blocks.V1) })
	f["encodeV2"] = repeated(func() { s.Encode(blocks.V2) })
	return f, diffs(f, s, stale)
}

// historyRows are the rows of the table of histories, which has a column for each. Their
// names begin with "history: " so that -row can select them.
var historyRows = []row{
	{"history: load V1, warm", "load", "warmV1", ms},
	{"history: load V2, warm", "load", "warm", ms},
	{"history: load V2, first of a process", "load", "first", ms},
	{"history: read the text from V2, warm", "read", "warm", ms},
	{"history: read the text from V2, first of a process", "read", "first", ms},
	{"history: encode V1", "load", "encode", ms},
	{"history: encode V2", "load", "encodeV2", ms},
	{"history: diff at the current state vector", "load", "diffCurrent", ms},
	{"history: diff for a client that lacks 100 elements", "load", "diffStale", ms},
	{"history: compact: load, and encode", "load", "compact", ms},
}

// historyTable has a cell for each figure of a history: the time of yroom, and how many
// times as long yjs and ywasm take.
func (t table) historyTable() string {
	var out strings.Builder
	fmt.Fprintf(&out, "| | %s |\n| --- |%s\n", strings.Join(histories, " | "), strings.Repeat(" ---: |", len(histories)))
	for _, r := range historyRows {
		if !strings.Contains(r.name, *only) {
			continue
		}
		fmt.Fprintf(&out, "| %s |", strings.TrimPrefix(r.name, "history: "))
		for _, name := range histories {
			took, _ := own(r.job+name, r.figure)(t)
			yjs, _ := asFast(r.job+name, r.figure)(t)
			ywasm, _ := ratio(of("ywasm", r.job+name, r.figure), own(r.job+name, r.figure))(t)
			fmt.Fprintf(&out, " %.2f ms (%.0f, %.0f) |", took/r.unit.size, yjs, ywasm)
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}

// ofAll returns what pick returns for the values of all histories, which are in ascending
// order.
func ofAll(pick func([]float64) float64, each func(history string) value) value {
	return func(t table) (float64, bool) {
		var all []float64
		for _, name := range histories {
			v, ok := each(name)(t)
			if !ok {
				return 0, false
			}
			all = append(all, v)
		}
		slices.Sort(all)
		return pick(all), true
	}
}

func least(all []float64) float64  { return all[0] }
func middle(all []float64) float64 { return all[len(all)/2] }
func most(all []float64) float64   { return all[len(all)-1] }
