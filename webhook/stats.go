package webhook

import "github.com/yroom/yroom/store"

// Stats are figures of a webhook.
type Stats struct {
	Hook string
	// Delivered counts the requests of this Deliverer that were answered with a status of the
	// class 2xx, and Failed its attempts that have failed.
	Delivered, Failed int
	// Removed counts the events of connections that were not sent because more than
	// store.MostNotices of their room waited when this Deliverer recorded others.
	Removed int
	// NoticeCounts are those of all stores together. They are at most 15 seconds old.
	store.NoticeCounts
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
	s.Delivered, s.Failed, s.Removed = s.Delivered+o.Delivered, s.Failed+o.Failed, s.Removed+o.Removed
	s.NoticeCounts = s.Plus(o.NoticeCounts)
	return s
}
