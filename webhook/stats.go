package webhook

import "time"

// Stats are figures of a webhook.
type Stats struct {
	Hook string
	// Delivered counts the requests of this Deliverer that were answered with a status of the
	// class 2xx, and Failed its attempts that have failed.
	Delivered, Failed int
	// Waiting, GivenUp and Oldest are those of store.NoticeCounts, of all stores. They are at most
	// 15 seconds old.
	Waiting, GivenUp int
	Oldest           time.Time
}

// Stats returns figures of each webhook, in the order of Config.Hooks.
func (d *Deliverer) Stats() (all []Stats) {
	for _, f := range d.feeds {
		f.mu.Lock()
		s := f.done
		f.mu.Unlock()
		if last := len(all) - 1; last >= 0 && all[last].Hook == s.Hook {
			s = all[last].add(s)
			all = all[:last]
		}
		all = append(all, s)
	}
	return all
}

func (s Stats) add(o Stats) Stats {
	s.Delivered, s.Failed, s.Waiting, s.GivenUp = s.Delivered+o.Delivered, s.Failed+o.Failed, s.Waiting+o.Waiting, s.GivenUp+o.GivenUp
	if s.Oldest.IsZero() || !o.Oldest.IsZero() && o.Oldest.Before(s.Oldest) {
		s.Oldest = o.Oldest
	}
	return s
}
