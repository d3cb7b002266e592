package load

import "time"

// measured is what the server and the clients have used during a time.
type measured struct {
	span time.Duration
	cpu  time.Duration // of the server
	own  time.Duration // CPU time of the clients
	end  usage         // of the server, at the end
}

// begin begins a measurement, which end ends.
func (c *crowd) begin() (end func() (measured, error), err error) {
	before, err := usageOf(c.PIDs)
	if err != nil {
		return nil, err
	}
	own, from := ownCPU(), c.now()
	return func() (m measured, err error) {
		m.span, m.own = max(c.now()-from, 1), ownCPU()-own
		m.end, err = usageOf(c.PIDs)
		m.cpu = m.end.cpu - before.cpu
		return m, err
	}, nil
}

// CPU returns the CPU time that a process, and those that it has started, have used so far.
func CPU(pid int) (time.Duration, error) {
	u, err := usageOf([]int{pid})
	return u.cpu, err
}

// addMeasured adds what the server and the clients have used.
func (r *Report) addMeasured(m measured, pids []int) {
	seconds := m.span.Seconds()
	r.add("seconds", seconds)
	if m.own > 0 {
		r.add("client_cpu_percent", 100*m.own.Seconds()/seconds)
	}
	if len(pids) > 0 {
		r.add("server_cpu_percent", 100*m.cpu.Seconds()/seconds)
		r.add("server_memory_kb", kilobytes(m.end.resident))
	}
}

// kilobytes returns a number of bytes in units of 1,024 bytes.
func kilobytes(n int64) float64 { return float64(n) / 1024 }
