package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/yroom/yroom/api"
)

type roomLog struct {
	Room  string `arg:""        help:"The room's name."`
	Limit int    `default:"100" placeholder:"N"         help:"How many entries (default: 100)."`
}

// Run lists entries of a log.
func (l roomLog) Run(c *roomCommands, stdout io.Writer) error {
	return c.with(nil, func(ctx context.Context, client *apiClient) error {
		query := url.Values{"limit": {strconv.Itoa(l.Limit)}}
		var log api.Log
		if err := client.getJSON(ctx, roomAddress(l.Room)+"/log?"+query.Encode(), &log); err != nil {
			return err
		}
		for _, e := range log.Entries {
			_, err := fmt.Fprintf(stdout, "%d\t%s\t%d\t%s\t%d\n", e.Position, e.Stored.Format(time.RFC3339Nano), e.Bytes, authors(e), e.Deleted)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// authors lists what clients wrote in an entry.
func authors(e api.LogEntry) string {
	var list []string
	for _, x := range e.Written {
		list = append(list, fmt.Sprintf("%d:%d-%d", x.Client, x.From, x.To))
	}
	if more := e.Clients - len(e.Written); more > 0 {
		list = append(list, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(list, " ")
}

type roomCut struct {
	Room     string `arg:"" help:"The room's name."`
	Position uint64 `arg:"" help:"The position of the first entry to remove, as yroom room log prints it."`
}

// Run cuts a log.
func (k roomCut) Run(c *roomCommands) error {
	switch process, err := c.servedBy(); {
	case err != nil:
		return err
	case process != "":
		return fmt.Errorf("a server has this file open and would not notice the cut: use --server, or stop it first (%s)", process)
	}
	return c.with(forImport, func(ctx context.Context, client *apiClient) error { // to keep deleted content in the snapshot
		query := url.Values{"from": {strconv.FormatUint(k.Position, 10)}}
		return client.send(ctx, http.MethodDelete, roomAddress(k.Room)+"/log?"+query.Encode(), nil, nil)
	})
}
