package djangolayer

import (
	"context"
	"strings"

	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/protocol"
)

// find asks the clients of the rooms that exist to send their awareness, so that the proxy
// knows their connections. On the pubsub layer, what they have sent while there was no worker
// is lost. Other consumers may have groups too, and end when they are sent what they don't
// know, so find sends nothing to a group that has not the name of a room.
func (p *proxy) find(ctx context.Context) {
	query := p.bus.encode(answer{typ: typeForward, payload: frameOf(protocol.Message{Type: protocol.QueryAwareness})}, nil)
	var groups []string
	for _, h := range p.bus.hosts {
		groups = append(groups, h.groups(ctx)...)
	}
	rooms, err := p.existing(ctx, groups)
	if err != nil {
		p.log.Warn("the rooms can't be listed: connections that the worker before had are found when their clients send something", "error", err)
	}
	for _, room := range rooms {
		p.bus.post(post{destination: p.bus.destinationOf(room, ""), entry: query, keep: true, done: func(result) {}})
	}
}

// existing returns the rooms that have the names of some groups.
func (p *proxy) existing(ctx context.Context, groups []string) (rooms []string, err error) {
	has := make(map[string]bool, len(groups))
	for _, g := range groups {
		has[strings.TrimPrefix(g, p.bus.destinationOf("", ""))] = true
	}
	for next := ""; len(rooms) < len(has); {
		list, err := p.documents.Rooms(ctx, document.ListOptions{After: next, Limit: 1000})
		if err != nil {
			return rooms, err
		}
		for _, r := range list.Rooms {
			if has[r.Name] {
				rooms = append(rooms, r.Name)
			}
		}
		if next = list.Next; next == "" {
			break
		}
	}
	return rooms, nil
}
