package main

import (
	"github.com/yroom/yroom/layer/link"
)

// linked is a layer between processes.
type linked interface {
	Stats() link.Stats
	Peers() []link.Peer
	SetLoad(load link.Load)
}

// linkStats is what is read of a layer between processes.
type linkStats struct {
	link.Stats

	peers, open, workers, waiting, inFlight, window int
}

func readLink(l linked) linkStats {
	s := linkStats{Stats: l.Stats()}
	for _, p := range l.Peers() {
		s.peers++
		if p.Open {
			s.open++
		}
		if p.Worker == link.StateServing {
			s.workers++
		}
		s.waiting, s.inFlight, s.window = s.waiting+p.Waiting, s.inFlight+p.InFlight, s.window+p.Window
	}
	return s
}

// readLayer makes the metrics have what read returns of a layer between processes.
func (m *metrics) readLayer(read func() linkStats) {
	type stats = linkStats
	r := &readings[stats]{read: read}
	r.gauge("link_peers", "Other processes that are known.", func(s *stats) float64 { return float64(s.peers) })
	r.gauge("link_sessions", "Other processes with which messages can be exchanged.", func(s *stats) float64 { return float64(s.open) })
	r.gauge("link_workers", "Other processes whose workers take rooms.", func(s *stats) float64 { return float64(s.workers) })
	r.gauge("link_waiting_bytes", "Bytes of messages that wait until they can be sent to other processes.", func(s *stats) float64 { return float64(s.waiting) })
	r.gauge("link_in_flight_bytes", "Bytes of packets that other processes have not acknowledged.", func(s *stats) float64 { return float64(s.inFlight) })
	r.gauge("link_window_bytes", "The windows of all sessions: the bound of yroom_link_in_flight_bytes.", func(s *stats) float64 { return float64(s.window) })
	r.total("link_sent_packets_total", "Packets to other processes.", func(s *stats) float64 { return float64(s.PacketsSent) })
	r.total("link_sent_bytes_total", "Bytes of the packets to other processes.", func(s *stats) float64 { return float64(s.BytesSent) })
	r.total("link_received_packets_total", "Packets from other processes.", func(s *stats) float64 { return float64(s.PacketsReceived) })
	r.total("link_received_bytes_total", "Bytes of the packets from other processes.", func(s *stats) float64 { return float64(s.BytesReceived) })
	r.total("link_malformed_total", "Packets that could not be read.", func(s *stats) float64 { return float64(s.Malformed) })
	r.total("link_gaps_total", "How often packets or their acknowledgements were missing.", func(s *stats) float64 { return float64(s.Gaps) })
	r.total("link_resets_total", "Sessions with other processes that ended with a loss.", func(s *stats) float64 { return float64(s.Resets) })
	r.total("link_given_up_total", "Other processes that were silent for too long, whose rooms other workers take over.", func(s *stats) float64 { return float64(s.GivenUp) })
	r.total("link_near_silences_total", "How often a process was silent for half of the time after which it is given up.", func(s *stats) float64 { return float64(s.NearSilences) })
	r.gauge("link_longest_silence_seconds", "The longest time for which a process was silent and came back.", func(s *stats) float64 { return s.LongestSilence.Seconds() })
	r.total("link_deaf_total", "How often the broker carried no messages.", func(s *stats) float64 { return float64(s.Deaf) })
	r.total("link_strays_total", "Inputs that reached a worker at which their rooms are not placed.", func(s *stats) float64 { return float64(s.Strays) })
	r.total("link_dropped_total", "How often outputs of a room were dropped, because too many waited.", func(s *stats) float64 { return float64(s.Dropped) })
	m.registry.MustRegister(r)
}

// readHealth makes the metrics have whether the process is ready.
func (m *metrics) readHealth(h *health) {
	type stats = bool
	r := &readings[stats]{read: func() bool { return !h.draining.Load() && h.layer.Ready() == nil }}
	r.gauge("ready", "1 if the process is ready, as /readyz says, and 0 otherwise.", func(ready *stats) float64 {
		if *ready {
			return 1
		}
		return 0
	})
	m.registry.MustRegister(r)
}
