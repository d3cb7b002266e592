package djangolayer

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// On the core layer, Redis has a group of each room with the channels of its connections. The
// processes add and remove them. A worker that starts reads there which connections a room has,
// and one that runs reads which have left.

const (
	groupMost   = 10_000 // how many members of a group are read
	groupExpiry = 24 * time.Hour
	groupRenew  = groupExpiry / 4 // how often it is kept from ending
)

// emptied handles that everything in Redis was deleted. The processes don't add their
// connections to the groups again.
func (p *proxy) emptied() {
	p.log.Warn("Redis has lost its data, or the key that marks it: all connections synchronize again")
	p.lost()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.rooms {
		r.lacking = true
		for _, c := range r.conns {
			c.member = false
		}
	}
	p.keepGroups()
}

// due reports whether the group of r lacks connections or has to be renewed, and whether the
// connections have to be compared with it.
func (r *room) due(now time.Time) (add, compare bool) {
	return r.lacking || now.Sub(r.renewed) >= groupRenew, r.silent && now.Sub(r.compared) >= goneAfter
}

// keepGroups starts a goroutine that does for the groups what is due, unless one runs.
func (p *proxy) keepGroups() {
	if p.keeping || p.draining || p.bus.pubsub {
		return
	}
	now := p.bus.now()
	var due []*room
	for _, r := range p.rooms {
		if add, compare := r.due(now); add || compare {
			due = append(due, r)
		}
	}
	if len(due) == 0 {
		return
	}
	p.keeping = true
	ctx := p.calling
	p.calls.Go(func() {
		for i := 0; i < len(due) && p.keepGroup(ctx, due[i]); i++ {
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.keeping = false
	})
}

// keepGroup does for the group of a room what is due. It reports whether the others can follow:
// if not, a later look tries again.
func (p *proxy) keepGroup(ctx context.Context, r *room) bool {
	p.mu.Lock()
	add, compare := r.due(p.bus.now())
	lacking, goesOn := r.lacking, !p.draining
	channels := slices.Collect(maps.Keys(r.channels))
	if goesOn && add {
		r.lacking = false // unless Redis is emptied again meanwhile
	}
	p.mu.Unlock()
	if !goesOn || len(channels) == 0 {
		return goesOn
	}
	if add {
		err := p.bus.regroup(ctx, r.name, channels, !lacking)
		for _, channel := range p.regrouped(r, channels, lacking, err) {
			p.bus.discard(ctx, r.name, channel)
		}
		if err != nil {
			return false
		}
	}
	if compare {
		p.compare(r, p.bus.members(ctx, r.name))
	}
	return true
}

// regrouped handles that channels were added to the group of a room, if it lacked them, or were
// renewed. It returns those that have left meanwhile.
func (p *proxy) regrouped(r *room, channels []string, lacking bool, err error) (left []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		r.lacking = r.lacking || lacking
		return nil
	}
	r.renewed = p.bus.now()
	if !lacking {
		return nil
	}
	for _, channel := range channels {
		if c := r.channels[channel]; c != nil {
			c.member = !r.lacking
		} else {
			left = append(left, channel)
		}
	}
	return left
}

// compare ends the silent connections of a room that were in its group and have left it: their
// last message was lost.
func (p *proxy) compare(r *room, members []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.bus.now()
	r.compared = now
	if len(members) == 0 || len(members) >= groupMost { // Redis can't be reached, or there are more
		return
	}
	has := make(map[string]bool, len(members))
	for _, channel := range members {
		has[channel] = true
	}
	for _, c := range r.conns {
		switch {
		case has[c.channel]:
			c.member = true
		case c.member && now.Sub(c.heard) >= goneAfter:
			p.log.Info("a connection has ended: it is not in the group of its room any more, and its disconnect was lost", "room", r.name, "channel", c.channel)
			p.remove(c)
		}
	}
}

// members returns the channels in the group of a room. The pubsub layer doesn't know them.
func (b *bus) members(ctx context.Context, room string) (channels []string) {
	// If it fails, they join with the next message of their clients.
	_ = b.group(ctx, room, func(ctx context.Context, c rueidis.Client, key string) (err error) {
		channels, err = c.Do(ctx, c.B().Zrange().Key(key).Min("0").Max(strconv.Itoa(groupMost-1)).Build()).AsStrSlice()
		return err
	})
	return channels
}

// discard removes a channel from the group of a room, as its process would have done.
func (b *bus) discard(ctx context.Context, room, channel string) {
	// If it fails, it is in the group until it has not been renewed for a day.
	_ = b.group(ctx, room, func(ctx context.Context, c rueidis.Client, key string) error {
		return c.Do(ctx, c.B().Zrem().Key(key).Member(channel).Build()).Error()
	})
}

// regroup adds channels to the group of a room, as their processes have done, and keeps it for
// a day from now on. With renew, it does so only for those that are in the group.
func (b *bus) regroup(ctx context.Context, room string, channels []string, renew bool) error {
	return b.group(ctx, room, func(ctx context.Context, c rueidis.Client, key string) error {
		now := score(float64(b.now().UnixMicro()) / 1e6)
		add := c.B().Arbitrary("ZADD").Keys(key)
		if renew {
			add = add.Args("XX")
		}
		for _, channel := range channels {
			add = add.Args(now, channel)
		}
		for _, r := range c.DoMulti(ctx, add.Build(), c.B().Expire().Key(key).Seconds(int64(groupExpiry/time.Second)).Build()) {
			if err := r.Error(); err != nil {
				return err
			}
		}
		return nil
	})
}

// group calls f with the key of the group of a room, if the layer has groups in Redis.
func (b *bus) group(ctx context.Context, room string, f func(ctx context.Context, c rueidis.Client, key string) error) error {
	if b.pubsub {
		return nil
	}
	c, err := b.hostFor(room).connect()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	return f(ctx, c, b.prefix+":group:"+room)
}
