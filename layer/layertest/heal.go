package layertest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// RunFaults checks layers with faults. open returns a layer with the given faults,
// which [Inject] or the network below its protocol may cause, and a function that ends
// them. Meanwhile a worker and some fronts exchange edits; they rely on nothing but the
// contract. In the end all connections must have all edits, and the worker must know
// exactly the connections that exist.
func RunFaults(t *testing.T, open func(t *testing.T, f Faults) (l layer.Layer, stop func())) {
	t.Helper()
	for _, c := range []struct {
		name   string
		faults Faults
		cut    bool
	}{
		{name: "none"},
		{name: "lost", faults: Faults{Lose: 10}},
		{name: "duplicated", faults: Faults{Duplicate: 20}},
		{name: "reordered", faults: Faults{Reorder: 20, Delay: 20}},
		{name: "delayed", faults: Faults{Delay: 50}},
		{name: "cut", cut: true},
		{name: "all", faults: Faults{Lose: 3, Duplicate: 10, Reorder: 10, Delay: 20}, cut: true},
	} {
		t.Run("Faults/"+c.name, func(t *testing.T) {
			c.faults.Seed = rand.Uint64()
			t.Logf("seed %d", c.faults.Seed)
			l, stop := open(t, c.faults)
			if reason := heal(t, l, stop, c.cut, c.faults.Reorder > 0, patience); reason != "" {
				t.Errorf("after the faults have ended, %s", reason)
			}
		})
	}
}

// heal sends edits, joins and leaves over l, ends the faults and waits until all ends
// agree. If they don't agree in time, it returns a description of a difference. If again is
// set, an edit follows the end of the faults: a broadcast that has overtaken the answer to a
// Join is missed, which the connection notices with the next broadcast.
func heal(t *testing.T, l layer.Layer, stop func(), cut, again bool, patience time.Duration) (reason string) {
	const fronts, steps = 3, 1500
	m := newModelWorker(t, l)
	var ends []*modelFront
	for range fronts {
		f := newModelFront(t, l)
		ends = append(ends, f)
		waitUntil(t, "the front finds the worker", func() bool {
			return f.Send(layer.Input{Room: name, Input: event.Input{Kind: event.InputLeave, Conn: 1}}) == nil
		})
	}
	for i := range steps {
		f := ends[rand.IntN(fronts)]
		switch n := rand.IntN(10); {
		case n < 7:
			f.edit(strconv.Itoa(i))
		case n < 9:
			f.join()
		default:
			f.leave()
		}
		if cut && i%500 == 250 {
			if c, ok := l.(interface{ Cut(d time.Duration) }); ok {
				c.Cut(5 * time.Millisecond)
			}
		}
		if i%2 == 0 {
			time.Sleep(time.Millisecond)
			f.again()
		}
	}
	stop()
	if again {
		f := ends[0]
		f.join()
		f.edit("last")
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if reason = differ(m, ends); reason == "" {
			break
		}
		for _, f := range ends {
			f.again()
		}
	}
	return reason
}

// differ describes a difference between the ends. It returns "" if there is none.
func differ(m *modelWorker, ends []*modelFront) string {
	m.mu.Lock()
	all := slices.Clone(m.edits)
	known := make(map[event.ConnID]bool)
	for conn := range m.conns {
		known[conn] = true
	}
	m.mu.Unlock()
	slices.Sort(all)
	for _, f := range ends {
		if reason := f.differs(known, all); reason != "" {
			return reason
		}
	}
	if len(known) > 0 {
		return fmt.Sprintf("the worker knows %d connections that have left", len(known))
	}
	return ""
}

// differs describes a difference between the connections of f and those that the worker
// knows, or between their edits and all edits. It returns "" if there is none. It
// removes the connections of f from known.
func (f *modelFront) differs(known map[event.ConnID]bool, all []string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	for conn, c := range f.conns {
		if !known[conn] {
			return fmt.Sprintf("the worker doesn't know connection %d", conn)
		}
		delete(known, conn)
		have := slices.Sorted(slices.Values(c.have))
		if !slices.Equal(have, all) {
			return fmt.Sprintf("connection %d has %d edits of %d", conn, len(have), len(all))
		}
		for _, own := range c.own {
			if !slices.Contains(have, own) {
				return fmt.Sprintf("edit %s of connection %d is lost", own, conn)
			}
		}
	}
	return ""
}

// modelWorker is a worker with one room, whose document is a list of edits.
type modelWorker struct {
	back  layer.Back
	wake  chan struct{}
	mu    sync.Mutex
	todo  []func()
	edits []string // edit i is broadcast with the sequence i+2
	conns map[event.ConnID]layer.Address
}

const modelEpoch = 7

func newModelWorker(t *testing.T, l layer.Layer) *modelWorker {
	t.Helper()
	m := &modelWorker{wake: make(chan struct{}, 1), conns: make(map[event.ConnID]layer.Address)}
	post := func(f func()) {
		m.mu.Lock()
		m.todo = append(m.todo, f)
		m.mu.Unlock()
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	back, err := l.Serve(layer.BackHandler{
		Handle: func(in layer.Input) error { post(func() { m.handle(in) }); return nil },
		Lost: func(front layer.Address) {
			post(func() {
				for conn, at := range m.conns {
					if at == front {
						m.deliver(at, event.Output{Kind: event.OutputRejoin, To: conn})
					}
				}
			})
		},
		Gone: func(front layer.Address) {
			post(func() {
				for conn, at := range m.conns {
					if at == front {
						m.leave(conn)
					}
				}
			})
		},
		Moved: func(func(string) bool) {},
	})
	if err != nil {
		t.Fatalf("Serve: %v", err)
	}
	m.back = back
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			select {
			case <-done:
				return
			case <-m.wake:
			}
			for m.next() {
			}
		}
	})
	t.Cleanup(func() {
		_ = back.Close()
		close(done)
		running.Wait()
	})
	return m
}

// next runs the next call, if there is one.
func (m *modelWorker) next() bool {
	m.mu.Lock()
	if len(m.todo) == 0 {
		m.mu.Unlock()
		return false
	}
	f := m.todo[0]
	m.todo = m.todo[1:]
	m.mu.Unlock()
	f()
	return true
}

func (m *modelWorker) leave(conn event.ConnID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.conns, conn)
}

func (m *modelWorker) deliver(to layer.Address, out event.Output) {
	m.back.Deliver([]layer.Output{{Room: name, To: to, Output: out}})
}

func (m *modelWorker) handle(in layer.Input) {
	_, known := m.conns[in.Conn]
	switch in.Kind {
	case event.InputJoin:
		m.mu.Lock()
		m.conns[in.Conn] = in.From
		m.mu.Unlock()
		m.missed(in, protocol.SyncStep2)
	case event.InputLeave:
		m.leave(in.Conn)
	case event.InputMessage, event.InputResync:
		switch {
		case !known:
			m.deliver(in.From, event.Output{Kind: event.OutputRejoin, To: in.Conn})
		case in.Kind == event.InputResync:
			m.missed(in, protocol.Update)
		default:
			m.edit(in)
		}
	}
}

func (m *modelWorker) edit(in layer.Input) {
	edit := string(in.Message.Data)
	if slices.Contains(m.edits, edit) {
		return
	}
	m.mu.Lock()
	m.edits = append(m.edits, edit)
	m.mu.Unlock()
	sent := make(map[layer.Address]bool)
	for _, at := range m.conns {
		if !sent[at] {
			sent[at] = true
			m.deliver(at, m.update(protocol.Update, event.Everyone, edit))
		}
	}
}

// missed sends the edits that were added after in.Mark.
func (m *modelWorker) missed(in layer.Input, typ protocol.Type) {
	after := 0
	if in.Mark.Epoch == modelEpoch {
		after = int(in.Mark.Seq) - 1
	}
	m.deliver(in.From, m.update(typ, in.Conn, m.edits[after:]...))
}

func (m *modelWorker) update(typ protocol.Type, to event.ConnID, edits ...string) event.Output {
	data, err := json.Marshal(edits)
	if err != nil {
		panic(err)
	}
	return event.Output{
		Kind: event.OutputMessage, To: to,
		Mark:    event.Mark{Epoch: modelEpoch, Seq: uint64(len(m.edits)) + 1},
		Message: protocol.Message{Type: typ, Data: data},
	}
}

// modelFront is a front with some connections in the room.
type modelFront struct {
	layer.Front

	mu      sync.Mutex
	conns   map[event.ConnID]*modelConn
	refused bool // the layer has not taken an input
}

type modelConn struct {
	mark  event.Mark // the state that it has in full; zero: none
	have  []string
	own   []string // what it wrote
	asked bool     // a Resync is unanswered
}

func newModelFront(t *testing.T, l layer.Layer) *modelFront {
	t.Helper()
	f := &modelFront{conns: make(map[event.ConnID]*modelConn)}
	attached, err := l.Attach(layer.FrontHandler{Deliver: f.deliver, Lost: func(func(string) bool) { f.rejoinAll() }})
	if err != nil {
		t.Fatalf("Attach: %v", err)
	}
	f.Front = attached
	t.Cleanup(func() { _ = attached.Close() })
	return f
}

// send sends an input. If the layer doesn't take it, the connections join again later,
// except for a Leave: then no room has the connection, or the layer reports a loss.
func (f *modelFront) send(in event.Input) {
	if err := f.Send(layer.Input{Room: name, Input: in}); err != nil && in.Kind != event.InputLeave {
		f.mu.Lock()
		f.refused = true
		f.mu.Unlock()
	}
}

// again makes the connections join again if the layer has not taken an input.
func (f *modelFront) again() {
	f.mu.Lock()
	refused := f.refused
	f.refused = false
	f.mu.Unlock()
	if refused {
		f.rejoinAll()
	}
}

func (f *modelFront) join() {
	conn := event.ConnID(rand.Uint64() | 1)
	f.mu.Lock()
	many := len(f.conns) > 5
	if !many {
		f.conns[conn] = &modelConn{}
	}
	f.mu.Unlock()
	if !many {
		f.send(event.Input{Kind: event.InputJoin, Conn: conn})
	}
}

// some returns a random connection.
func (f *modelFront) some() (event.ConnID, *modelConn) {
	for conn, c := range f.conns {
		return conn, c
	}
	return 0, nil
}

func (f *modelFront) leave() {
	f.mu.Lock()
	conn, _ := f.some()
	delete(f.conns, conn)
	f.mu.Unlock()
	if conn != 0 {
		f.send(event.Input{Kind: event.InputLeave, Conn: conn})
	}
}

func (f *modelFront) edit(text string) {
	f.mu.Lock()
	conn, c := f.some()
	if c != nil {
		c.own = append(c.own, text)
	}
	f.mu.Unlock()
	if c != nil {
		f.send(message(conn, text))
	}
}

func message(conn event.ConnID, edit string) event.Input {
	return event.Input{Kind: event.InputMessage, Conn: conn, Message: protocol.Message{Type: protocol.Update, Data: []byte(edit)}}
}

func (f *modelFront) rejoinAll() {
	f.mu.Lock()
	var ins []event.Input
	for conn := range f.conns {
		ins = append(ins, f.rejoin(conn))
	}
	f.mu.Unlock()
	for _, in := range ins {
		f.send(in)
	}
}

// rejoin returns the answer to a Rejoin. f.mu is held.
func (f *modelFront) rejoin(conn event.ConnID) event.Input {
	c := f.conns[conn]
	if c == nil {
		return event.Input{Kind: event.InputLeave, Conn: conn}
	}
	c.asked = false // the answer to a Resync may be lost
	return event.Input{Kind: event.InputJoin, Conn: conn, Greeting: event.GreetingRejoin, Mark: c.mark}
}

func (f *modelFront) deliver(outs []layer.Output) {
	for _, out := range outs {
		f.mu.Lock()
		var answers []event.Input
		switch {
		case out.Kind == event.OutputRejoin:
			answers = append(answers, f.rejoin(out.Output.To))
		case out.Output.To == event.Everyone:
			for conn, c := range f.conns {
				answers = append(answers, c.broadcast(conn, out.Output)...)
			}
		case f.conns[out.Output.To] != nil:
			answers = f.conns[out.Output.To].catchUp(out.Output)
		default: // a connection that has left
			answers = append(answers, event.Input{Kind: event.InputLeave, Conn: out.Output.To})
		}
		f.mu.Unlock()
		for _, in := range answers {
			f.send(in)
		}
	}
}

func (c *modelConn) take(out event.Output) {
	var edits []string
	if err := json.Unmarshal(out.Message.Data, &edits); err != nil {
		panic(err)
	}
	for _, edit := range edits {
		if !slices.Contains(c.have, edit) {
			c.have = append(c.have, edit)
		}
	}
}

// broadcast handles a broadcast, and returns a Resync if updates are missing before it.
func (c *modelConn) broadcast(conn event.ConnID, out event.Output) []event.Input {
	switch {
	case c.mark == event.Mark{}: // the answer to the Join has not arrived yet
	case out.Mark.Epoch == c.mark.Epoch && out.Mark.Seq <= c.mark.Seq:
	case out.Mark.Epoch == c.mark.Epoch && out.Mark.Seq == c.mark.Seq+1:
		c.take(out)
		c.mark = out.Mark
	case !c.asked:
		c.asked = true
		return []event.Input{{Kind: event.InputResync, Conn: conn, Mark: c.mark}}
	}
	return nil
}

// catchUp handles the answer to a Join or a Resync. After a Join, it returns messages
// with what the room lacks, as a client that receives a SyncStep1 does.
func (c *modelConn) catchUp(out event.Output) (ins []event.Input) {
	c.take(out)
	c.asked = false
	if out.Mark.Seq > c.mark.Seq {
		c.mark = out.Mark
	}
	if out.Message.Type != protocol.SyncStep2 {
		return nil
	}
	for _, own := range c.own {
		if !slices.Contains(c.have, own) {
			ins = append(ins, message(out.To, own))
		}
	}
	return ins
}
