package sim

import (
	"slices"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/lib0"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/room"
)

// program is the part of a process that reads and changes a room's document
// without being in it: one question after the other.
type program struct {
	process *process
	room    int
	id      uint64 // its client id
	clock   uint64
	doc     *blocks.Store // what it was told
	at      room.Mark

	conn   room.ConnID // of the question that waits for its answer; 0: none does
	asked  room.Kind
	update []byte // that was applied, for all it knows not yet stored; nil: none
}

func (p *process) newProgram(room int) {
	w := p.world
	w.lastID++
	g := &program{process: p, room: room, id: w.lastID, doc: blocks.New()}
	p.programs = append(p.programs, g)
	w.after(p, w.within(w.pace), g.act)
}

// act asks something, again and again until the world is calm.
func (g *program) act() {
	p, w := g.process, g.process.world
	if p.dead || w.calm {
		return
	}
	w.after(p, w.within(4*w.pace), g.act)
	if g.conn != 0 {
		return
	}
	in := room.Input{Kind: room.Query, Ask: &room.Ask{Since: g.at}}
	if w.chance(60) {
		if g.update == nil {
			g.update = g.typed()
		}
		in = room.Input{Kind: room.Apply, Ask: &room.Ask{Update: slices.Clone(g.update)}}
	}
	w.lastConn++
	in.Conn = w.lastConn
	if p.send(layer.Input{Room: roomNames[g.room], Input: in}) != nil {
		return // the room is full, or the process ends
	}
	w.note(100+uint64(in.Kind), uint64(in.Conn))
	if in.Kind == room.Apply {
		if _, err := p.rooms[g.room].accepted.Apply(g.update, blocks.V1); err != nil {
			panic(err) // the simulation made it wrong
		}
	}
	g.conn, g.asked = in.Conn, in.Kind
	w.after(p, 10*time.Second, func() {
		if g.conn == in.Conn {
			g.conn = 0 // the answer was lost
		}
	})
}

// take is what it does with an answer, which must tell nothing that is not durable.
func (g *program) take(a room.Answer) {
	w, name := g.process.world, roomNames[g.room]
	durable := w.disk.logs[g.room].durable
	holds := func(update []byte) bool {
		held, err := durable.Contains(update, blocks.V1)
		return held && err == nil
	}
	g.conn = 0
	switch a.Refusal.Cause {
	case 0:
	case room.Closed, room.Unavailable:
		return
	default:
		w.failf("%s: question %d was refused: %+v", name, g.asked, a.Refusal)
		return
	}
	w.seen.answers++
	if g.asked == room.Apply {
		if !holds(g.update) {
			w.failf("%s: what was applied is not durable", name)
		}
		g.update = nil
		return
	}
	if a.Update != nil {
		if !holds(a.Update) {
			w.failf("%s: an answer reveals what is not durable", name)
		}
		if _, err := g.doc.Apply(a.Update, blocks.V1); err != nil {
			w.failf("%s: an answer can't be read: %v", name, err)
		}
	}
	if !readVector(g.doc.StateVector()).covers(readVector(a.Vector)) {
		w.failf("%s: who asks again and again lacks something", name)
	}
	g.at = a.At
}

// typed types a character behind its last.
func (g *program) typed() []byte {
	b := lib0.AppendUint(lib0.AppendUint([]byte{1, 1}, g.id), g.clock)
	if g.clock == 0 {
		b = lib0.AppendString(append(b, 4, 1), "text")
	} else {
		b = lib0.AppendUint(lib0.AppendUint(append(b, 4|0x80), g.id), g.clock-1)
	}
	g.clock++
	return append(b, 1, 'p', 0)
}
