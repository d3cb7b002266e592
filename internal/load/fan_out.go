package load

import (
	"context"
	"fmt"
	"time"
)

// FanOut is people who type in rooms, and receive what the others in their room type.
type FanOut struct {
	Shape

	Rate   float64 // edits of a writer a second; 0: each types on once a neighbour has received the last edit
	WarmUp time.Duration
	Span   time.Duration
}

// Run measures a server. With an error, the report has what was measured until then, or is
// nil.
func (f FanOut) Run(ctx context.Context, target Target) (*Report, error) {
	r, _, err := f.run(ctx, target, "fan-out")
	return r, err
}

// Agent is an agent in each room, which makes fifty edits at once, every second, while people
// type. The latencies are those of the edits of the people.
type Agent FanOut

// Run measures a server. With an error, the report has what was measured until then, or is
// nil.
func (a Agent) Run(ctx context.Context, target Target) (*Report, error) {
	r, typed, err := FanOut(a).run(ctx, target, "agent")
	if r != nil {
		r.add("agent_deliveries", float64(typed.agent.count()))
		r.addLatencies("agent_latency", &typed.agent)
	}
	return r, err
}

// Slow is people who type while others in their room read nothing. These read then, until
// all have the same document.
type Slow FanOut

// Run measures a server. With an error, the report has what was measured until then, or is
// nil.
func (s Slow) Run(ctx context.Context, target Target) (*Report, error) {
	if s.Rate <= 0 {
		return nil, fmt.Errorf("each writer has to make edits, not %v a second: a slow neighbour would keep it from typing on", s.Rate)
	}
	forgetPeak(target.PIDs)
	r, typed, err := FanOut(s).run(ctx, target, "slow")
	if r != nil && typed.settled > 0 {
		r.add("catch_up_ms", milliseconds(typed.settled))
	}
	return r, err
}

func (f FanOut) run(ctx context.Context, target Target, scenario string) (*Report, *Typed, error) {
	t, err := JoinTyping(ctx, target, f.Shape)
	if err != nil {
		return nil, nil, err
	}
	defer t.Leave()
	typed, err := t.Type(f.Rate, f.WarmUp, f.Span) //nolint:contextcheck // the clients have the context
	peak, failed := usageOf(target.PIDs)
	if err == nil {
		err = failed
	}
	if err == nil {
		err = t.Check()
	}
	r := &Report{Scenario: scenario, Dialect: target.Dialect}
	r.add("rooms", float64(f.Rooms))
	r.add("connections", float64(len(t.people)))
	r.add("writers", float64(f.Rooms*f.Writers))
	r.add("rate_per_second", f.Rate)
	r.addTyped(typed)
	r.addMeasured(typed.measured, target.PIDs)
	r.addPerConnection(typed.end.resident-t.before.resident, len(t.people), target.PIDs)
	if f.Slow > 0 && len(target.PIDs) > 0 {
		r.addPeak(peak, t.before)
	}
	if err == nil {
		r.add("clients_compared", float64(len(t.people)+len(t.rooms)))
	}
	return r, typed, err
}

// addPeak adds the most memory that the server had since a usage.
func (r *Report) addPeak(peak, before usage) {
	r.add("server_memory_peak_kb", kilobytes(peak.peak))
	r.add("server_memory_peak_growth_kb", kilobytes(peak.peak-before.resident))
}

// addTyped adds the figures of typing.
func (r *Report) addTyped(t *Typed) {
	r.add("edits", float64(t.Edits))
	r.addDeliveries(&t.late, t.measured)
}

// addDeliveries adds how many deliveries there were in a time, and how late they were.
func (r *Report) addDeliveries(late *latencies, m measured) {
	n := float64(late.count())
	r.add("deliveries", n)
	r.add("deliveries_per_second", n/max(m.span, 1).Seconds())
	r.addLatencies("latency", late)
	if n > 0 && m.cpu > 0 {
		r.add("server_cpu_us_per_delivery", float64(m.cpu.Microseconds())/n)
	}
}

// addPerConnection adds by how much the memory of the server has grown for each connection.
func (r *Report) addPerConnection(growth int64, connections int, pids []int) {
	if len(pids) > 0 {
		r.add("server_memory_kb_per_connection", kilobytes(growth)/float64(connections))
	}
}
