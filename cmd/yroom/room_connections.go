package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"

	"github.com/yroom/yroom/api"
)

var errNoConnections = errors.New("a store has no connections: name the server with --server")

type roomConnections struct {
	Room string `arg:"" help:"The room's name."`
}

// Run lists the connections in a room.
func (l roomConnections) Run(c *roomCommands, stdout io.Writer) error {
	if c.Store != "" {
		return errNoConnections
	}
	return c.with(nil, func(ctx context.Context, client *apiClient) error {
		var all api.Connections
		if err := client.getJSON(ctx, roomAddress(l.Room)+"/connections", &all); err != nil {
			return err
		}
		for _, conn := range all.Connections {
			if _, err := fmt.Fprintf(stdout, "%s\t%s\t%s\n", conn.ID, conn.Access, conn.User); err != nil {
				return err
			}
		}
		return nil
	})
}

// selected selects connections.
type selected struct {
	Room string `arg:"" optional:"" help:"The room's name."`

	AllRooms bool `help:"In all rooms."`

	User       string `xor:"selected" placeholder:"NAME" help:"The connections of this user."`
	Connection string `xor:"selected" placeholder:"ID"   help:"One connection, by its id as yroom room connections prints it."`
}

// Validate is called by kong.
func (s *selected) Validate() error {
	if (s.Room == "") != s.AllRooms {
		return errors.New("name a room, or set --all-rooms")
	}
	if s.User == "" && s.Connection == "" {
		return errors.New("select connections with --user=NAME or --connection=ID")
	}
	return nil
}

// change sends the request what, which is the end of its address, for the connections, with
// more fields. It prints how many connections there were, and says so if there were none.
func (s *selected) change(c *roomCommands, stdout io.Writer, what string, more map[string]string) error {
	if c.Store != "" {
		return errNoConnections
	}
	address := apiPrefix
	if s.Room != "" {
		address = roomAddress(s.Room)
	}
	fields := map[string]string{"user": s.User, "connection": s.Connection}
	maps.Copy(fields, more)
	text, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	return c.with(nil, func(ctx context.Context, client *apiClient) error {
		header := http.Header{"Content-Type": {"application/json"}}
		resp, err := client.do(ctx, http.MethodPost, address+"/"+what, header, &body{bytes.NewReader(text), int64(len(text))})
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		var got struct {
			Connections int `json:"connections"`
		}
		if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
			return err
		}
		if got.Connections == 0 {
			fmt.Fprintln(os.Stderr, "no connection matches: yroom room connections lists them")
		}
		_, err = fmt.Fprintln(stdout, got.Connections)
		return err
	})
}

type roomAccess struct {
	Access string `arg:"" values:"write,read,hidden,hidden-write" help:"What they may do from now on: write, read, hidden (read, without being shown to others) or hidden-write."`

	selected
}

// Run changes the access of connections.
func (a roomAccess) Run(c *roomCommands, stdout io.Writer) error {
	return a.change(c, stdout, "access", map[string]string{"access": a.Access})
}

type roomExpel struct {
	selected

	Reason string `help:"The reason that the client is told." placeholder:"TEXT"`
}

// Run closes connections.
func (e roomExpel) Run(c *roomCommands, stdout io.Writer) error {
	return e.change(c, stdout, "expel", map[string]string{"reason": e.Reason})
}
