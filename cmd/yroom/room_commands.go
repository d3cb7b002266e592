package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/document"
)

// roomCommands are the commands for rooms, on a server or on a store.
type roomCommands struct {
	Server string `xor:"place" placeholder:"URL" help:"The server, such as http://127.0.0.1:8000."`

	TokenFile string `type:"path" placeholder:"FILE" help:"File with the server's API token."`

	Store string `xor:"place" placeholder:"URL" help:"Or the store, which no server should be using: sqlite:FILE, postgres://…."`

	Config string `placeholder:"FILE" help:"With --store: the settings file of its server (default: yroom.yaml, if there is one)."`

	List        roomList        `cmd:"" help:"List the rooms, a name a line."`
	Export      roomExport      `cmd:"" help:"Write out the document of a room."`
	Import      roomImport      `cmd:"" help:"Add an update to the document of a room, or make a room of it."`
	Delete      roomDelete      `cmd:"" help:"Delete a room without confirmation, and close its connections."`
	Connections roomConnections `cmd:"" help:"List the connections in a room: id, access, user."`
	Access      roomAccess      `cmd:"" help:"Change what connections may do, until they end."`
	Expel       roomExpel       `cmd:"" help:"Close connections. Their clients may connect again, unless the login refuses them."`

	Log roomLog `cmd:"" help:"List the newest entries of a room's log: position, time, bytes, what clients wrote, how many elements are deleted."`
	Cut roomCut `cmd:"" help:"Set a room back to what it was before an entry of its log, without confirmation, and close its connections."`
}

// Validate is called by kong. The flags are not marked as required, because the usage
// line would then show both of them as required.
func (c *roomCommands) Validate() error {
	if c.Server == "" && c.Store == "" {
		return errors.New("say where the rooms are: --server=URL or --store=URL")
	}
	return nil
}

// exitError ends the process with a status of its own.
type exitError struct {
	error

	status int
}

const exitRoom = 2 // the status if the room doesn't exist, or exists already

// with calls do with a client of the API that the flags select. With --store, rows, if
// it isn't nil, changes the settings of rooms in the server that is started for the
// store.
func (c *roomCommands) with(rows func(map[string]yroom.Settings), do func(ctx context.Context, client *apiClient) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if c.Store != "" {
		if c.TokenFile != "" {
			return errors.New("--token-file goes with --server; a store needs no token")
		}
		return withStore(ctx, c.Store, c.Config, rows, func(client *apiClient) error { return do(ctx, client) })
	}
	if c.TokenFile == "" {
		return errors.New("--server needs --token-file: the file that the server was given as --api-token-file")
	}
	token, _, err := readTokenFile(c.TokenFile) // the server warns of its mode
	if err != nil {
		return fmt.Errorf("--token-file: %w", err)
	}
	client, err := newAPIClient(c.Server, token)
	if err != nil {
		return err
	}
	return do(ctx, client)
}

type roomList struct {
	Prefix string `placeholder:"TEXT" help:"Only rooms whose names begin with it."`

	JSON bool `help:"Print what /api/rooms says of each room, as a JSON object a line."`
}

// Run lists rooms.
func (l roomList) Run(c *roomCommands, stdout io.Writer) error {
	return c.with(nil, func(ctx context.Context, client *apiClient) error {
		return eachRoom(ctx, client, l.Prefix, func(room json.RawMessage) error {
			line := string(room)
			if !l.JSON {
				name, err := nameOf(room)
				if err != nil {
					return err
				}
				line = shownName(name)
			}
			_, err := fmt.Fprintln(stdout, line)
			return err
		})
	})
}

// eachRoom calls do with what the API says of each room whose name begins with prefix.
func eachRoom(ctx context.Context, client *apiClient, prefix string, do func(room json.RawMessage) error) error {
	query := url.Values{"prefix": {prefix}, "limit": {strconv.Itoa(api.MaxRooms)}}
	for {
		var part struct {
			Rooms []json.RawMessage `json:"rooms"`
			Next  string            `json:"next"`
		}
		if err := client.getJSON(ctx, apiPrefix+"/rooms?"+query.Encode(), &part); err != nil {
			return err
		}
		for _, room := range part.Rooms {
			if err := do(room); err != nil {
				return err
			}
		}
		if part.Next == "" {
			return nil
		}
		query.Set("after", part.Next)
	}
}

// nameOf returns the name in what the API says of a room.
func nameOf(room json.RawMessage) (string, error) {
	var r api.Room
	err := json.Unmarshal(room, &r)
	return r.Name, err
}

type roomExport struct {
	Room string `arg:"" optional:"" help:"The room's name."`

	All  string  `placeholder:"FOLDER" help:"In place of a room: copy the documents of all rooms into a folder, which room import --all restores."`
	Name *string `placeholder:"ROOT"   help:"Which root of the document."`

	Root   []string `sep:"none"       placeholder:"NAME=KIND" help:"The kind of a root, if its content is ambiguous. Can be repeated."`
	Format string   `default:"update" placeholder:"FORMAT"    values:"update,update-v2,state-vector,json,text,xml,prosemirror,delta,markdown,html,blocks" help:"update, update-v2, state-vector, json, text, xml, prosemirror, delta, markdown, html or blocks (default: update)."`
	Output string   `short:"o"        placeholder:"FILE"      help:"Where to write it (default: standard output)."`
}

// Validate is called by kong.
func (e roomExport) Validate() error {
	if (e.Room == "") == (e.All == "") {
		return errors.New("name a room, or a folder for all rooms with --all")
	}
	if e.All != "" && (e.Format != "update" || e.Name != nil || e.Root != nil || e.Output != "") {
		return errors.New("--all exports each document as an update, and takes no --format, --name, --root or --output")
	}
	if e.Name == nil && e.needsName() {
		return fmt.Errorf("--format %s writes one root: name it with --name=ROOT; --format json shows all roots", e.Format)
	}
	return nil
}

// needsName reports whether the format is for one root, which the API doesn't choose.
func (e roomExport) needsName() bool {
	switch document.Format(e.Format) {
	case document.FormatText, document.FormatXML, document.FormatProseMirror, document.FormatDelta:
		return true
	default:
		return false
	}
}

// Run writes a document, or all.
func (e roomExport) Run(c *roomCommands, stdout io.Writer) error {
	if e.All != "" {
		return c.with(nil, func(ctx context.Context, client *apiClient) error {
			report := &roomReport{stdout: io.Discard, stderr: os.Stderr, done: "exported"}
			return exportAll(ctx, client, e.All, report, func(each func(room string) error) error {
				return eachRoom(ctx, client, "", func(room json.RawMessage) error {
					name, err := nameOf(room)
					if err != nil {
						return err
					}
					return each(name)
				})
			})
		})
	}
	query := url.Values{"format": {e.Format}, "root": e.Root}
	if e.Name != nil {
		query.Set("name", *e.Name)
	}
	return c.with(nil, func(ctx context.Context, client *apiClient) error {
		resp, err := client.do(ctx, http.MethodGet, roomAddress(e.Room)+"?"+query.Encode(), nil, nil)
		if err != nil {
			return err
		}
		defer func() { _ = resp.Body.Close() }()
		if e.Output == "" {
			_, err = io.Copy(stdout, resp.Body)
			return err
		}
		return writeFile(e.Output, resp.Body)
	})
}

// writeFile replaces the content of the file at path by the whole content of from.
// After an error, the file is unchanged.
func writeFile(path string, from io.Reader) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = io.Copy(file, from)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

type roomImport struct {
	Room string `arg:"" optional:"" help:"The room's name."`
	File string `arg:"" optional:"" help:"The file that holds the update, or Markdown if its name ends with .md or .markdown; - is an update on standard input."`

	All        string `placeholder:"FOLDER" help:"In place of ROOM and FILE: a folder that room export --all has written."`
	Hocuspocus string `placeholder:"PATH"   help:"In place of a room and a file: the SQLite database of a Hocuspocus server, or a folder with a copy of its S3 objects."`
	Pycrdt     string `placeholder:"FILE"   help:"In place of a room and a file: the SQLite database of an SQLiteYStore of pycrdt-store."`
	Updates    string `placeholder:"FOLDER" help:"In place of a room and a file: a folder with an update in each file NAME.update; NAME may have slashes."`

	YLevelDB string `name:"y-leveldb" placeholder:"FOLDER" help:"In place of a room and a file: the folder of a y-leveldb, in which a y-websocket server keeps its documents."`
	YSweet   string `name:"y-sweet"   placeholder:"FOLDER" help:"In place of a room and a file: the folder in which a y-sweet server keeps its documents, or a copy of its S3 objects."`

	Encoding string `enum:"v1,v2" default:"v1" help:"How the update is encoded: v1, or v2 (default: v1)."`

	Name *string `placeholder:"ROOT" help:"With a Markdown file: which root of the document it becomes (default: that of the editor)."`

	New        bool `help:"Only create new rooms. If a room exists, it isn't changed."`
	Incomplete bool `help:"Also import a document of which a part is invisible, because it waits for a part that is missing."`
}

// source is a flag for the documents of another server.
type source struct {
	flag, path string
	each       eachDocument
}

func (i roomImport) sources() []source {
	return []source{
		{"--hocuspocus", i.Hocuspocus, eachHocuspocus},
		{"--pycrdt", i.Pycrdt, eachPycrdt},
		{"--updates", i.Updates, eachUpdate},
		{"--y-leveldb", i.YLevelDB, eachLevelDB},
		{"--y-sweet", i.YSweet, eachYSweet},
	}
}

// Validate is called by kong.
func (i roomImport) Validate() error {
	several, names := 0, []string{"--all"}
	if i.All != "" {
		several++
	}
	for _, from := range i.sources() {
		names = append(names, from.flag)
		if from.path != "" {
			several++
		}
	}
	flags := strings.Join(names, ", ")
	switch {
	case several > 1:
		return errors.New("set only one of " + flags)
	case several == 0 && (i.Room == "" || i.File == ""):
		return errors.New("name the room and the file that holds the update")
	case !isMarkdown(i.File) && i.Name != nil:
		return errors.New("--name goes with a Markdown file, whose name ends with .md or .markdown; an update has the names of its roots")
	case isMarkdown(i.File) && i.Encoding != "v1":
		return errors.New("--encoding goes with an update, and not with a Markdown file")
	case several == 1 && (i.Room != "" || i.Encoding != "v1"):
		return fmt.Errorf("with one of %s, each document is imported, in V1, into the room of its name: name no room and no file, and set no --encoding", flags)
	}
	return nil
}

// Run imports an update, or several.
func (i roomImport) Run(c *roomCommands, stdout io.Writer) error {
	return c.with(forImport, func(ctx context.Context, client *apiClient) error {
		report := &roomReport{stdout: stdout, stderr: os.Stderr, done: "imported"}
		if i.All != "" {
			return importAll(i.All, report, func(room string, update *os.File, size int64) error {
				return i.sendOneOf(ctx, client, room, &body{update, size})
			})
		}
		for _, from := range i.sources() {
			if from.path != "" {
				return importFrom(ctx, from.each, from.path, report, func(room string, update []byte) error {
					return i.sendOneOf(ctx, client, room, &body{bytes.NewReader(update), int64(len(update))})
				})
			}
		}
		file, size := os.Stdin, int64(-1)
		if i.File != "-" {
			var err error
			if file, err = os.Open(i.File); err != nil {
				return err
			}
			defer func() { _ = file.Close() }()
			if info, err := file.Stat(); err == nil && info.Mode().IsRegular() {
				size = info.Size()
			}
		}
		if isMarkdown(i.File) {
			return i.sendMarkdown(ctx, client, &body{file, size})
		}
		return i.send(ctx, client, i.Room, &body{file, size})
	})
}

// isMarkdown reports whether a file is Markdown, by its name.
func isMarkdown(file string) bool {
	extension := strings.ToLower(filepath.Ext(file))
	return extension == ".md" || extension == ".markdown"
}

// sendMarkdown creates a room from Markdown.
func (i roomImport) sendMarkdown(ctx context.Context, client *apiClient, markdown *body) error {
	query := url.Values{}
	if i.Name != nil {
		query.Set("name", *i.Name)
	}
	header := http.Header{"Content-Type": {api.TypeMarkdown}, "If-None-Match": {"*"}}
	return client.send(ctx, http.MethodPut, roomAddress(i.Room)+"?"+query.Encode(), header, markdown)
}

// sendOneOf is send for one of several rooms. The error is errSkipped if the room is not
// new, and only new ones are to be created.
func (i roomImport) sendOneOf(ctx context.Context, client *apiClient, room string, update *body) error {
	err := i.send(ctx, client, room, update)
	if failed, ok := errors.AsType[exitError](err); ok && failed.status == exitRoom && i.New {
		return errSkipped
	}
	return err
}

// send sends an update to a room, after it has checked that the room will show all of it.
func (i roomImport) send(ctx context.Context, client *apiClient, room string, update *body) error {
	method, enc, header := http.MethodPost, blocks.V1, http.Header{"Content-Type": {api.TypeUpdateV1}}
	if i.Encoding == "v2" {
		enc = blocks.V2
		header.Set("Content-Type", api.TypeUpdateV2)
	}
	if !i.Incomplete {
		whole, err := readWhole(update, enc, func() ([]byte, error) { return i.base(ctx, client, room) })
		if err != nil {
			return err
		}
		update = whole
	}
	if i.New {
		method = http.MethodPut
		header.Set("If-None-Match", "*")
	}
	return client.send(ctx, method, roomAddress(room), header, update)
}

// base returns the document that a room has, in V1. A room that is to be created has none.
func (i roomImport) base(ctx context.Context, client *apiClient, room string) ([]byte, error) {
	empty := []byte{0, 0}
	if i.New {
		return empty, nil
	}
	resp, err := client.do(ctx, http.MethodGet, roomAddress(room)+"?format=update", nil, nil)
	if failed, ok := errors.AsType[exitError](err); ok && failed.status == exitRoom {
		return empty, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return io.ReadAll(resp.Body)
}

type roomDelete struct {
	Room string `arg:"" help:"The room's name."`
}

// Run deletes a room.
func (d roomDelete) Run(c *roomCommands) error {
	return c.with(nil, func(ctx context.Context, client *apiClient) error {
		return client.send(ctx, http.MethodDelete, roomAddress(d.Room), nil, nil)
	})
}
