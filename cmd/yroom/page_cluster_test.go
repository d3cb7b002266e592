package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer/link"
)

// clusterAnswer is a response of /cluster.json.
type clusterAnswer struct {
	Process   string
	Step      int
	Processes []struct {
		Name, Version, State, Reason string
		Consumer, Worker             bool
		Connections, Rooms, Memory   int
		Edits                        float64 `json:"edits_per_second"`
		CPU                          float64
		Problems                     int
		Samples                      [][7]float64
	}
	Log []logLine
}

// A process says what it does: connections, rooms, edits, and what it has logged.
func TestClusterOfOneProcess(t *testing.T) {
	p := newPlace(t, yroom.Config{})
	a := p.connect("a")
	p.connect("b").MustAwait(t, emptyStep1)
	begin := time.Now().Add(-10 * sampleTime)
	p.monitor.step(begin)
	p.say(a, typing(typedHello))
	p.say(a, typing(more))
	testkit.Eventually(t, "all is counted", func() string {
		if load := p.monitor.load(); load.Conns != 2 || load.Rooms != 2 || load.Edits != 2 {
			return fmt.Sprintf("%+v", load)
		}
		return ""
	})
	p.monitor.log.keeping(testkit.Logger(t), "c").Warn("A limit is reached.", "room", "a")
	p.monitor.step(begin.Add(sampleTime))
	p.monitor.step(begin.Add(sampleTime + time.Millisecond)) // it is too early for another sample

	_, answer := get[clusterAnswer](p, "/cluster.json")
	if answer.Process != "c" || answer.Step != 5 || len(answer.Processes) != 1 || len(answer.Log) != 1 || answer.Log[0].Details != "room=a" {
		t.Fatalf("%+v", answer)
	}
	c := answer.Processes[0]
	if c.Name != "c" || c.Version != version() || c.State != processReady || !c.Consumer || !c.Worker {
		t.Errorf("%+v", c)
	}
	if c.Connections != 2 || c.Rooms != 2 || c.Edits != 0.4 || c.Problems != 1 || c.Memory < 1<<20 || c.CPU < 0 {
		t.Errorf("2 edits in 5 s, 2 connections and a warning: %+v", c)
	}
	if len(c.Samples) != 2 || c.Samples[1][0]-c.Samples[0][0] != 5 || c.Samples[0][3] != 0 || c.Samples[1][3] != 0.4 {
		t.Errorf("samples %v", c.Samples)
	}
	_, answer = get[clusterAnswer](p, "/cluster.json", "after", fmt.Sprint(int64(c.Samples[0][0])))
	if got := answer.Processes[0]; len(got.Samples) != 1 || got.Samples[0] != c.Samples[1] || got.Problems != 1 {
		t.Errorf("after the first sample: %+v", got)
	}
}

// A process that no longer runs is told of for an hour, and one that has started again
// counts from the beginning.
func TestHistory(t *testing.T) {
	h := newHistory("a")
	now := time.Unix(1_700_000_000, 0)
	step := func(edits uint64) {
		now = now.Add(sampleTime)
		h.add(now, "b", "v1", link.Load{Edits: edits, Conns: 1})
	}
	for _, edits := range []uint64{1000, 1010, 5} {
		step(edits)
	}
	rates := func() (all []float64) {
		for _, p := range h.since(now, 0) {
			for _, s := range p.samples {
				all = append(all, s.edits)
			}
		}
		return all
	}
	if diff := cmp.Diff([]float64{0, 2, 1}, rates()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	now = now.Add(historyTime - sampleTime)
	if diff := cmp.Diff([]float64{1}, rates()); diff != "" {
		t.Errorf("just before the hour is over (-want +got)\n%s", diff)
	}
	now = now.Add(2 * sampleTime)
	if got := h.since(now, 0); len(got) != 0 {
		t.Errorf("after an hour: %+v", got)
	}
}

// A history holds samples of an hour and of a bounded number of processes.
func TestHistoryIsBounded(t *testing.T) {
	h := newHistory("self")
	now := time.Unix(1_700_000_000, 0)
	for i := range 3 * mostTracks {
		now = now.Add(time.Second)
		h.add(now, "self", "", link.Load{})
		h.add(now, fmt.Sprintf("%03d", i), "", link.Load{})
	}
	names := map[string]bool{}
	for _, p := range h.since(now, 0) {
		names[p.name] = true
	}
	if len(names) != mostTracks || !names["self"] || !names[fmt.Sprintf("%03d", 3*mostTracks-1)] {
		t.Errorf("%d processes, self %t", len(names), names["self"])
	}
	for range 2 * int(historyLength) {
		now = now.Add(sampleTime)
		h.add(now, "self", "", link.Load{})
	}
	got := h.since(now, 0)
	if len(got) != 1 || len(got[0].samples) != int(historyLength) {
		t.Errorf("%d processes, and %d samples of the first", len(got), len(got[0].samples))
	}
}

// Of more processes than a history holds, it keeps those that it has while they run, whatever
// the order in which they are measured.
func TestHistoryKeepsTracks(t *testing.T) {
	h := newHistory("self")
	now := time.Unix(1_700_000_000, 0)
	const moments = 10
	for range moments {
		now = now.Add(sampleTime)
		h.add(now, "self", "", link.Load{})
		for _, i := range rand.Perm(2 * mostTracks) {
			h.add(now, fmt.Sprint(i), "", link.Load{})
		}
	}
	got := h.since(now, 0)
	if len(got) != mostTracks {
		t.Errorf("%d processes, want %d", len(got), mostTracks)
	}
	for _, p := range got {
		if len(p.samples) != moments {
			t.Errorf("%s has %d samples, want %d", p.name, len(p.samples), moments)
		}
	}
}

// peersLayer is a layer that knows other processes.
type peersLayer struct {
	memoryLayer

	peers []link.Peer
	told  link.Load
}

func (l *peersLayer) Peers() []link.Peer     { return l.peers }
func (l *peersLayer) Stats() link.Stats      { return link.Stats{} }
func (l *peersLayer) SetLoad(load link.Load) { l.told = load }

// Processes are told of each other by their heartbeats.
func TestClusterOfSeveralProcesses(t *testing.T) {
	layer := &peersLayer{peers: []link.Peer{
		{Name: "z", Software: "v2", Worker: link.StateServing, Open: true, Load: link.Load{Rooms: 7}},
		{Name: "y", Software: "v1", Worker: link.StateDraining, Open: true, Load: link.Load{Problems: 3, Problem: link.Problem{Message: "The store fails.", Error: true}}},
		{Name: "x", Worker: link.StateServing},
		{Name: "w", Fronts: true, Load: link.Load{Conns: 5, Draining: true}},
		{Name: "v", Fronts: true},
	}}
	h := &health{layer: layer}
	m := &monitor{"me", false, func() link.Load { return link.Load{Conns: 4} }, h, newRecentLog(), newHistory("me"), newRecentLog(), nil}
	now := time.Now()
	m.step(now.Add(-2 * sampleTime))
	m.step(now.Add(-2*sampleTime + 1)) // nothing is new
	if layer.told.Conns != 4 || layer.told.Memory == 0 {
		t.Errorf("the others are told %+v", layer.told)
	}
	layer.peers = layer.peers[:4]
	layer.peers[1].Load.Problems++
	m.log.keeping(testkit.Logger(t), "me").Warn("A limit is reached.")
	m.step(now.Add(-sampleTime))
	status, body := m.cluster(now, 0)
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	data, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	var answer clusterAnswer
	if err := json.Unmarshal(data, &answer); err != nil {
		t.Fatalf("%v in %s", err, data)
	}
	var got []string
	for _, p := range answer.Processes {
		got = append(got, fmt.Sprint(p.Name, " ", p.Version, " ", p.State, " ", p.Connections, " ", p.Rooms, " ", len(p.Samples)))
	}
	want := []string{
		"me " + version() + " ready 4 0 2",
		"v  gone 0 0 1", "w  draining 5 0 2", "x  not ready 0 0 2", "y v1 draining 0 0 2", "z v2 ready 0 7 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	got = nil
	for _, line := range answer.Log {
		got = append(got, fmt.Sprint(line.Process, " ", line.Level, " ", line.Message, " ", line.Count))
	}
	if diff := cmp.Diff([]string{"me warn A limit is reached. 1", "y error The store fails. 2"}, got); diff != "" {
		t.Errorf("logs (-want +got)\n%s", diff)
	}
	if layer.told.Problem.Message != "A limit is reached." || layer.told.Problem.Error {
		t.Errorf("the others are told %+v", layer.told)
	}
	m.step(now.Add(2 * tellTime))
	if layer.told.Problem.Message != "" || layer.told.Problems != 1 {
		t.Errorf("later they are told %+v", layer.told)
	}
}
