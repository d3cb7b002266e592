package djangolayer

import (
	"context"
	"fmt"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

const (
	maxPayload  = 16 << 20 // bounds a frame of a client
	maxMessages = 1000     // in a frame
)

var (
	errConns    = fmt.Errorf("this worker has %d connections, which is the most: this one joins with its next message after others have left", maxConns)
	errMessages = fmt.Errorf("a frame of a client has more than %d messages, which is the most: let the client send more frames", maxMessages)
)

// take handles an entry that has arrived. It returns how long the room pauses that it is for, 0 if an
// entry like it must not wait.
func (p *proxy) take(b *bus, entry []byte) (pause time.Duration) {
	m, err := b.codec.read(entry)
	if err == nil && len(m.payload) > maxPayload {
		err = fmt.Errorf("the payload of a client has %d bytes, and %d are allowed: let the client change less at once", len(m.payload), maxPayload)
	}
	p.mu.Lock()
	defer p.unlock()
	p.received++
	if err == nil {
		err = p.handle(m)
	}
	if err != nil {
		p.skip(m, err)
	}
	return p.pauseOf(m)
}

// skip counts a message that can't be used, and logs it, if that wasn't done often lately.
func (p *proxy) skip(m message, err error) {
	p.skipped++
	if p.logs.Take(p.bus.now()) {
		p.log.Warn("a message from a Django process can't be used, and was skipped", "error", fmt.Sprintf("%.300v", err), "room", fmt.Sprintf("%.100s", m.room), "skipped", p.skipped)
	}
}

// handle handles a message. The error says why it can't be used.
func (p *proxy) handle(m message) error {
	if m.typ == typeRPC {
		return p.call(m)
	}
	var c *conn
	if r := p.rooms[m.room]; r != nil {
		c = r.channels[m.channel]
	}
	key := connKey(m.room, m.channel)
	left := c == nil && p.left.has[key]
	switch {
	case m.typ == typeDisconnect:
		p.disconnect(c, key)
		return nil
	case p.ended.has[key]:
		return nil
	case m.typ == typeConnect && p.early.has[key]:
		delete(p.early.has, key)
		return nil
	}
	known := c != nil
	if !known {
		if c = p.addNew(m.room, m.channel); c == nil {
			return errConns
		}
	}
	if c.heard = p.bus.now(); c.missed {
		p.due[c] = true
	}
	p.grant(c, m, known)
	if m.typ == typeConnect {
		c.connected, c.member = true, true // its consumer has added it before
		p.join(c, p.greeting(m.room))
		return nil
	}
	switch {
	case left: // it has sent this before its disconnect, which came over another host
		p.join(c, event.GreetingClient)
	case !known:
		p.rejoin(c)
	}
	err := p.forward(c, m.payload)
	if left {
		p.remove(c)
	}
	return err
}

// disconnect handles that a connection has left. c is nil if the proxy doesn't know it. With
// several hosts, what it has sent before may arrive later.
func (p *proxy) disconnect(c *conn, key string) {
	p.left.add(key)
	if c == nil || !c.connected {
		p.early.add(key)
	}
	if c != nil {
		p.depart(c)
		p.remove(c)
	}
}

// addNew adds a connection. If it is the first one of its room, a worker before may have known
// others, which are in the group of the room.
func (p *proxy) addNew(name, channel string) *conn {
	first := p.rooms[name] == nil
	c := p.add(name, channel)
	if first && c != nil && !p.draining && !p.bus.pubsub {
		p.calls.Go(func() { p.addMembers(name, p.bus.members(context.Background(), name)) })
	}
	return c
}

// addMembers adds the connections of a room that the worker before knew, and that have sent
// nothing since. They may only read until they say what they may do.
func (p *proxy) addMembers(name string, channels []string) {
	p.mu.Lock()
	defer p.unlock()
	for _, channel := range channels {
		r := p.rooms[name]
		if r == nil || p.draining {
			return
		}
		if checkChannel(channel) != nil || r.channels[channel] != nil {
			continue
		}
		if c := p.add(name, channel); c != nil {
			p.due[c] = true
		}
	}
}

// grant sets the access of a connection to what the options of a message allow. An app that
// sends no options has no rules, so its connections may do everything.
func (p *proxy) grant(c *conn, m message, known bool) {
	access := m.access
	if !m.hasAccess {
		if c.hasOptions {
			return
		}
		access = everything
	}
	if c.hasOptions && access == c.options {
		return
	}
	c.hasOptions, c.options, c.access = true, access, access
	if known && m.typ == typeMessage && !p.due[c] {
		p.send(c, event.Input{Kind: event.InputAccess, Conn: c.id, Access: c.access, AccessSeq: c.accessSeq})
	}
}

// everything is the access of a connection without options.
const everything = event.AccessWrite | event.AccessPresent

// forward sends the messages in a frame of a client to its room. While the connection is due,
// it drops them: the room may not know its access yet, and asks the client for what it lacks
// when the connection has joined again.
func (p *proxy) forward(c *conn, frame []byte) error {
	messages, err := split(frame)
	if err != nil {
		return err
	}
	for _, m := range messages {
		if m.Type == protocol.Awareness {
			c.own.Note(m.Data)
		}
		if !p.due[c] {
			p.send(c, event.Input{Kind: event.InputMessage, Conn: c.id, Client: c.own.Client(), Message: m})
		}
	}
	return nil
}

// split returns the messages in a frame.
func split(frame []byte) (messages []protocol.Message, err error) {
	for {
		m, rest, ok, err := protocol.Plain{}.Next(frame)
		if err != nil {
			return nil, err
		}
		if !ok {
			return messages, nil
		}
		if len(messages) == maxMessages {
			return nil, errMessages
		}
		messages, frame = append(messages, m), rest
	}
}

func awarenessMessage(update []byte) protocol.Message {
	return protocol.Message{Type: protocol.Awareness, Data: update}
}
