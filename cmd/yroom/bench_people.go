package main

import (
	"os"

	"github.com/yroom/yroom/internal/load"
)

type benchAgent struct {
	warmedUp

	Rooms   int     `placeholder:"N"          default:"10" help:"Rooms (default: 10)."`
	People  int     `placeholder:"N"          default:"10" help:"People in each room, of whom one is the agent (default: 10)."`
	Rate    float64 `placeholder:"PER_SECOND" default:"5"  help:"Edits of a person a second (default: 5)."`
	Letters int     `placeholder:"N"          default:"40" help:"Letters of each edit of an agent (default: 40)."`
}

// Run measures how an agent slows down the others.
func (b benchAgent) Run(c *benchCommands, e environment) error {
	shape := load.Shape{Rooms: b.Rooms, People: b.People, Writers: b.People - 1, Agent: b.Letters}
	return c.run(e, load.Agent{Shape: shape, Rate: b.Rate, WarmUp: b.WarmUp, Span: b.Span})
}

type benchSlow struct {
	warmedUp

	Rooms   int     `placeholder:"N"          default:"1"    help:"Rooms (default: 1)."`
	People  int     `placeholder:"N"          default:"20"   help:"People in each room (default: 20)."`
	Slow    int     `placeholder:"N"          default:"10"   help:"How many of them are slow; the others type (default: 10)."`
	Rate    float64 `placeholder:"PER_SECOND" default:"20"   help:"Edits of a writer a second (default: 20)."`
	Letters int     `placeholder:"N"          default:"5000" help:"Letters of each edit (default: 5000)."`
}

// Run measures what slow readers cost.
func (b benchSlow) Run(c *benchCommands, e environment) error {
	shape := load.Shape{Rooms: b.Rooms, People: b.People, Writers: b.People - b.Slow, Slow: b.Slow, Letters: b.Letters}
	return c.run(e, load.Slow{Shape: shape, Rate: b.Rate, WarmUp: b.WarmUp, Span: b.Span})
}

type benchAwareness struct {
	warmedUp

	Rooms  int     `placeholder:"N"          default:"1"  help:"Rooms (default: 1)."`
	People int     `placeholder:"N"          default:"50" help:"People in each room (default: 50)."`
	Rate   float64 `placeholder:"PER_SECOND" default:"5"  help:"Awareness states of a person a second (default: 5)."`
}

// Run measures how awareness states are delivered.
func (b benchAwareness) Run(c *benchCommands, e environment) error {
	return c.run(e, load.Awareness{Rooms: b.Rooms, People: b.People, Rate: b.Rate, WarmUp: b.WarmUp, Span: b.Span})
}

type benchReconnect struct {
	Rooms  int `default:"200" placeholder:"N" help:"Rooms (default: 200)."`
	People int `default:"10"  placeholder:"N" help:"People in each room (default: 10)."`

	Restart bool `help:"Wait until you restart the server, in place of ending the connections."`
}

// Run measures how fast all clients are back.
func (b benchReconnect) Run(c *benchCommands, e environment) error {
	return c.run(e, load.Reconnect{Rooms: b.Rooms, People: b.People, Restart: b.Restart})
}

type benchReplay struct {
	Trace string `required:"" type:"path" placeholder:"FILE" help:"A trace in the format of github.com/josephg/editing-traces, JSON, which may be compressed by gzip."`

	Rate float64 `default:"0" placeholder:"PER_SECOND" help:"Updates a second. With 0, as fast as the other client receives them (default: 0)."`
}

// Run measures how a long history passes through a room.
func (b benchReplay) Run(c *benchCommands, e environment) error {
	file, err := os.Open(b.Trace)
	if err != nil {
		return err
	}
	trace, err := load.ReadTrace(file)
	_ = file.Close() // it was only read
	if err != nil {
		return err
	}
	return c.run(e, load.Replay{Trace: trace, Rate: b.Rate})
}
