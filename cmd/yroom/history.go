package main

import (
	"encoding/json"
	"math"
	"sync"
	"time"

	"github.com/yroom/yroom/layer/link"
)

const (
	sampleTime    = 5 * time.Second // the time between two samples of a process
	historyTime   = time.Hour
	historyLength = int64(historyTime / sampleTime)
	mostTracks    = 100 // of so many processes samples are kept
)

// history holds samples of this process and of the others that it knows, for an hour. All
// processes take them at the same moments, so that a page can add them up, and can put
// together what different processes answer.
type history struct {
	mu     sync.Mutex
	taken  int64             // the number of the last moment at which samples were taken
	tracks map[string]*track // by the name of the process
}

// track is what is known of one process.
type track struct {
	version  string
	load     link.Load
	measured time.Time             // when load was
	samples  [historyLength]sample // each at the remainder of the number of its moment
}

// sample is what a process did at a moment, and since the one before.
type sample struct {
	at                   int64 // seconds since 1970; 0: there is no sample
	conns, rooms, memory int
	edits, cpu           float64 // a second
	problems             uint64  // since the sample before
}

// MarshalJSON returns the sample as an array, because a page loads thousands of them.
func (s sample) MarshalJSON() ([]byte, error) {
	return json.Marshal([...]float64{
		float64(s.at), float64(s.conns), float64(s.rooms), round(s.edits), round(s.cpu), float64(s.memory), float64(s.problems),
	})
}

func round(rate float64) float64 { return math.Round(rate*1000) / 1000 }

// moment returns the number of the last moment for samples at or before a time.
func moment(t time.Time) int64 { return t.Unix() / int64(sampleTime/time.Second) }

// newHistory returns a history of the process self, which has just begun: what it has done
// so far counts.
func newHistory(self string) *history { return &history{tracks: map[string]*track{self: {}}} }

// due reports whether samples are to be taken now, once for each moment.
func (h *history) due(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := moment(now); n != h.taken {
		h.taken = n
		return true
	}
	return false
}

// add adds a sample of a process.
func (h *history) add(now time.Time, name, version string, load link.Load) {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.tracks[name]
	if t == nil {
		if !h.makeSpace(now) {
			return
		}
		t = &track{load: load} // what it did before isn't known
		h.tracks[name] = t
	}
	before := t.load
	if load.Edits < before.Edits || load.CPU < before.CPU || load.Problems < before.Problems {
		before = link.Load{} // the process has started again
	}
	s := sample{at: moment(now) * int64(sampleTime/time.Second), conns: load.Conns, rooms: load.Rooms, memory: load.Memory, problems: load.Problems - before.Problems}
	if passed := now.Sub(t.measured); !t.measured.IsZero() && passed > 0 {
		s.edits = float64(load.Edits-before.Edits) / passed.Seconds()
		s.cpu = (load.CPU - before.CPU).Seconds() / passed.Seconds()
	}
	t.version, t.load, t.measured = version, load, now
	t.samples[moment(now)%historyLength] = s
}

// makeSpace removes the processes that have ended more than an hour ago and, if mostTracks
// are left, the one whose last measurement is oldest. It reports whether there is space for
// another one: not if all are still measured.
func (h *history) makeSpace(now time.Time) bool {
	oldest := ""
	for name, t := range h.tracks {
		if now.Sub(t.measured) > historyTime {
			delete(h.tracks, name)
		} else if oldest == "" || t.measured.Before(h.tracks[oldest].measured) {
			oldest = name
		}
	}
	if len(h.tracks) < mostTracks {
		return true
	}
	if now.Sub(h.tracks[oldest].measured) <= 2*sampleTime {
		return false
	}
	delete(h.tracks, oldest)
	return true
}

// tracked is what a history has of a process.
type tracked struct {
	name, version string
	measured      time.Time
	last          sample
	problems      uint64   // in the last hour
	samples       []sample // by time
}

// since returns the processes of the last hour, with the samples that are newer than after,
// in seconds since 1970.
func (h *history) since(now time.Time, after int64) []tracked {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]tracked, 0, len(h.tracks))
	for name, t := range h.tracks {
		if now.Sub(t.measured) > historyTime {
			continue
		}
		p := tracked{name: name, version: t.version, measured: t.measured, samples: []sample{}}
		for n := moment(now) - historyLength + 1; n <= moment(now); n++ {
			s := t.samples[n%historyLength]
			if s.at != n*int64(sampleTime/time.Second) {
				continue // it is missing, or that of an hour before
			}
			p.last = s
			p.problems += s.problems
			if s.at > after {
				p.samples = append(p.samples, s)
			}
		}
		all = append(all, p)
	}
	return all
}
