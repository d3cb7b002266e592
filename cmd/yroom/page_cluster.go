package main

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/yroom/yroom/layer/link"
)

// The states of a process for the page.
const (
	processReady    = "ready"
	processDraining = "draining"
	processNotReady = "not ready"
	processGone     = "gone"
)

// clusterView describes the processes of a cluster, as far as the one that answers knows
// them, and what they did in the last hour.
type clusterView struct {
	Process   string        `json:"process"` // the name of the one that answers
	At        time.Time     `json:"at"`
	Step      int           `json:"step"`      // seconds between two samples
	Processes []processView `json:"processes"` // by name
	Log       []logLine     `json:"log"`       // of the process that answers, the newest line first, and then of others
}

// processView describes a process.
type processView struct {
	Name     string    `json:"name"`
	Version  string    `json:"version"`
	Consumer bool      `json:"consumer"`
	Worker   bool      `json:"worker"`
	State    string    `json:"state"`
	Reason   string    `json:"reason,omitempty"` // why it is not ready
	Seen     time.Time `json:"seen"`

	// What the last sample says. The rates are those of the time before it.
	Connections int     `json:"connections"`
	Rooms       int     `json:"rooms"`
	Edits       float64 `json:"edits_per_second"`
	CPU         float64 `json:"cpu"` // seconds of CPU time a second
	Memory      int     `json:"memory"`
	Problems    uint64  `json:"problems"` // warnings and errors of the last hour

	// Samples are arrays with the time in seconds since 1970, connections, rooms, edits a
	// second, CPU, memory, and warnings and errors since the sample before.
	Samples []sample `json:"samples"`
}

// cluster describes the cluster for the page, with the samples after a time.
func (m *monitor) cluster(now time.Time, after int64) (status int, body any) {
	self := processView{Name: m.name, Version: version(), Consumer: true, Worker: m.worker, State: processReady, Seen: now}
	if err := m.health.layer.Ready(); err != nil {
		self.State, self.Reason = processNotReady, err.Error()
	}
	if m.health.draining.Load() {
		self.State = processDraining
	}
	known := map[string]*processView{m.name: &self}
	if l, ok := m.health.layer.(linked); ok {
		for _, p := range l.Peers() {
			if p.Name != "" && p.Name != m.name {
				known[p.Name] = viewOf(p, now)
			}
		}
	}
	for _, t := range m.history.since(now, after) {
		p := known[t.name]
		if p == nil {
			p = &processView{Name: t.name, Version: t.version, State: processGone, Seen: t.measured}
			known[t.name] = p
		}
		if p.State != processGone {
			p.Connections, p.Rooms, p.Edits, p.CPU, p.Memory = t.last.conns, t.last.rooms, round(t.last.edits), round(t.last.cpu), t.last.memory
		}
		p.Problems, p.Samples = t.problems, t.samples
	}
	view := clusterView{Process: m.name, At: now, Step: int(sampleTime / time.Second), Log: append(m.log.recent(now), m.heard.recent(now)...)}
	for _, p := range known {
		if p.Samples == nil {
			p.Samples = []sample{}
		}
		view.Processes = append(view.Processes, *p)
	}
	slices.SortFunc(view.Processes, func(a, b processView) int { return strings.Compare(a.Name, b.Name) })
	return http.StatusOK, view
}

// viewOf describes another process.
func viewOf(p link.Peer, now time.Time) *processView {
	view := &processView{Name: p.Name, Version: p.Software, Consumer: p.Fronts, Worker: p.Worker != link.StateNone, State: processReady, Seen: now}
	switch {
	case p.Load.Draining || p.Worker == link.StateDraining:
		view.State = processDraining
	case view.Worker && !p.Open:
		view.State, view.Reason = processNotReady, "No messages can be exchanged with it now."
	}
	return view
}
