package load

import (
	"context"
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
	t, err := JoinTyping(ctx, target, f.Shape)
	if err != nil {
		return nil, err
	}
	defer t.Leave()
	typed, err := t.Type(f.Rate, f.WarmUp, f.Span) //nolint:contextcheck // the clients have the context
	if err == nil {
		err = t.Check()
	}
	r := &Report{Scenario: "fan-out", Dialect: target.Dialect}
	r.add("rooms", float64(f.Rooms))
	r.add("connections", float64(len(t.people)))
	r.add("writers", float64(f.Rooms*f.Writers))
	r.add("rate_per_second", f.Rate)
	r.addTyped(typed)
	r.addMeasured(typed.measured, target.PIDs)
	r.addPerConnection(typed.end.resident-t.before.resident, len(t.people), target.PIDs)
	if err == nil {
		r.add("clients_compared", float64(len(t.people)+len(t.rooms)))
	}
	return r, err
}

// addTyped adds the figures of typing.
func (r *Report) addTyped(t *Typed) {
	r.add("edits", float64(t.Edits))
	r.add("deliveries", float64(t.Deliveries))
	r.add("deliveries_per_second", t.PerSecond())
	r.addLatencies("latency", &t.late)
	if t.Deliveries > 0 && t.cpu > 0 {
		r.add("server_cpu_us_per_delivery", float64(t.cpu.Microseconds())/float64(t.Deliveries))
	}
}

// addPerConnection adds by how much the memory of the server has grown for each connection.
func (r *Report) addPerConnection(growth int64, connections int, pids []int) {
	if len(pids) > 0 {
		r.add("server_memory_kb_per_connection", kilobytes(growth)/float64(connections))
	}
}
