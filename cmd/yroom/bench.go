package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/yroom/yroom/internal/load"
)

// benchCommands are the scenarios with which the clients of a load generator measure any
// Yjs server.
type benchCommands struct {
	URL []string `name:"url" required:"" sep:"none" placeholder:"URL" help:"Where clients connect, such as ws://127.0.0.1:8000/ws. {room} stands for the name of the room, which is otherwise appended. Repeated, clients take turns."`

	Dialect string `enum:"plain,hocuspocus" default:"plain" placeholder:"DIALECT" help:"plain, for servers of y-websocket clients, or hocuspocus (default: plain)."`

	TokenFile string   `type:"path" placeholder:"FILE"        help:"File with the token that clients send: as the query parameter \"token\", or as Hocuspocus providers do."`
	Header    []string `sep:"none"  placeholder:"NAME: VALUE" help:"A field of the header of each request. May be repeated."`
	PID       []int    `name:"pid"  placeholder:"PID"         help:"A process of the server, to measure its CPU time and memory, with those of the processes that it has started. May be repeated."`

	JSON bool `name:"json" help:"Print the report as a JSON object."`

	FanOut benchFanOut `cmd:"" name:"fan-out" help:"People type in rooms, and receive what the others type."`

	Agent     benchAgent     `cmd:"" help:"An agent in each room makes many edits at once, while people type."`
	Slow      benchSlow      `cmd:"" help:"Some people read nothing while others type, and then all."`
	Awareness benchAwareness `cmd:"" help:"People move their cursors."`
	Join      benchJoin      `cmd:"" help:"People open a room that has a large document."`
	Idle      benchIdle      `cmd:"" help:"People are connected and do nothing."`
	Reconnect benchReconnect `cmd:"" help:"All people lose their connections, type on, and come back at once."`
	Replay    benchReplay    `cmd:"" help:"A client sends the updates of a recorded trace, and another receives them."`
}

// target returns the server that the flags name.
func (c *benchCommands) target(e environment) (load.Target, error) {
	t := load.Target{URLs: c.URL, Dialect: load.Dialect(c.Dialect), PIDs: c.PID, Header: http.Header{}, Progress: showProgress(e)}
	for _, line := range c.Header {
		name, value, ok := strings.Cut(line, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return t, fmt.Errorf("--header %q: want a name and a value, as in \"Cookie: session=1\"", line)
		}
		t.Header.Add(strings.TrimSpace(name), strings.TrimSpace(value))
	}
	if c.TokenFile != "" {
		token, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return t, fmt.Errorf("--token-file: %w", err)
		}
		t.Token = strings.TrimSpace(string(token))
	}
	return t, nil
}

// scenario is a scenario of package load.
type scenario interface {
	Run(ctx context.Context, target load.Target) (*load.Report, error)
}

// run runs a scenario and prints its report. An interrupt ends the scenario.
func (c *benchCommands) run(e environment, s scenario) error {
	t, err := c.target(e)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second interrupt ends the process
	report, err := s.Run(ctx, t)
	if isTerminal(e.stderr) {
		fmt.Fprint(e.stderr, clearLine)
	}
	if report != nil {
		err = errors.Join(err, c.print(e, report))
	}
	return err
}

func (c *benchCommands) print(e environment, report *load.Report) error {
	if !c.JSON {
		return report.Print(e.stdout)
	}
	text, err := json.Marshal(report)
	if err == nil {
		_, err = fmt.Fprintf(e.stdout, "%s\n", text)
	}
	return err
}

// warmedUp is how long a scenario measures, and what comes before.
type warmedUp struct {
	WarmUp time.Duration `placeholder:"DURATION" default:"1s"  help:"How long to wait before the measurement (default: 1s)."`
	Span   time.Duration `placeholder:"DURATION" default:"10s" help:"How long to measure (default: 10s)."`
}

// Validate is called by kong.
func (s warmedUp) Validate() error {
	if s.WarmUp < 0 || s.Span <= 0 {
		return fmt.Errorf("--span has to be longer than zero, and --warm-up not negative, not %v and %v", s.Span, s.WarmUp)
	}
	return nil
}

type benchFanOut struct {
	warmedUp

	Rooms   int     `placeholder:"N"          default:"10" help:"Rooms (default: 10)."`
	People  int     `placeholder:"N"          default:"10" help:"People in each room (default: 10)."`
	Writers int     `placeholder:"N"          default:"-1" help:"How many of them type (default: all)."`
	Letters int     `placeholder:"N"          default:"1"  help:"Letters of each edit (default: 1)."`
	Rate    float64 `placeholder:"PER_SECOND" default:"0"  help:"Edits of a writer a second. With 0, each types the next letter once a neighbour has received the last one (default: 0)."`
}

// Run measures how edits are delivered.
func (b benchFanOut) Run(c *benchCommands, e environment) error {
	shape := load.Shape{Rooms: b.Rooms, People: b.People, Writers: b.Writers, Letters: b.Letters}
	if shape.Writers < 0 {
		shape.Writers = shape.People
	}
	return c.run(e, load.FanOut{Shape: shape, Rate: b.Rate, WarmUp: b.WarmUp, Span: b.Span})
}
