// Command robot is a server with the demo pages that also edits documents itself: POST
// /write/DEMO/ROOM inserts the body of the request as a line. POST /close/ROOM/CODE closes
// the connections of a room with a code, and the body as the reason. The room refused-STATUS
// admits no one.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/document"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/webui"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/web"
	"github.com/yroom/yroom/yjs"
)

func main() {
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	server, err := yroom.New(yroom.Config{Hooks: consumer.Hooks{Admit: admit}, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	if err != nil {
		return err
	}
	http.Handle("/ws/{room...}", server)
	http.Handle("/hocuspocus", server.Hocuspocus())
	http.Handle("/", webui.Handler(webui.Facts{}, web.Built()))
	http.HandleFunc("POST /write/{demo}/{room}", func(w http.ResponseWriter, r *http.Request) {
		line, err := io.ReadAll(r.Body)
		if err == nil {
			robot := document.Presence{Name: "Robot", Color: "#8250df"}
			err = server.Document(r.PathValue("room")).EditAs(r.Context(), robot, func(doc *yjs.Doc) error {
				return write[r.PathValue("demo")](doc, string(line))
			})
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	http.HandleFunc("POST /close/{room}/{code}", func(w http.ResponseWriter, r *http.Request) {
		reason, err := io.ReadAll(r.Body)
		code, _ := strconv.ParseUint(r.PathValue("code"), 10, 16)
		n := 0
		if err == nil {
			why := protocol.CloseError{Code: protocol.CloseCode(code), Reason: string(reason)}
			n, err = server.Document(r.PathValue("room")).Expel(r.Context(), document.Selection{User: guest}, why)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, strconv.Itoa(n)) // the test may have ended
	})
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stdout, "http://%s/\n", listener.Addr())
	return (&http.Server{ReadHeaderTimeout: 10 * time.Second}).Serve(listener)
}

// guest is the user of all connections.
const guest = "guest"

func admit(_ context.Context, r consumer.Request) (consumer.Admission, error) {
	if status, ok := strings.CutPrefix(r.Room, "refused-"); ok {
		code, _ := strconv.Atoi(status)
		return consumer.Admission{}, &consumer.StatusError{Status: code, Reason: "the robot says " + status}
	}
	return consumer.Admission{Room: r.Room, Access: event.AccessWrite | event.AccessPresent, User: guest}, nil
}

// write inserts a line at the beginning of a demo's document.
var write = map[string]func(doc *yjs.Doc, line string) error{
	"codemirror": func(doc *yjs.Doc, line string) error {
		text, err := doc.Text("codemirror")
		if err != nil {
			return err
		}
		return text.Insert(0, line+"\n", nil)
	},
	"prosemirror": paragraph("prosemirror"),
	"tiptap":      paragraph("default"),
	"board": func(doc *yjs.Doc, line string) error {
		cards, err := doc.Map("board")
		if err != nil {
			return err
		}
		card, err := cards.SetMap(line)
		if err != nil {
			return err
		}
		text, err := card.SetText("text")
		if err != nil {
			return err
		}
		if err := text.Insert(0, line, nil); err != nil {
			return err
		}
		place, err := yjs.ParseJSON([]byte(`{"column": "todo", "key": "1"}`))
		if err != nil {
			return err
		}
		return card.Set("place", place)
	},
}

// paragraph returns a function that inserts a line as a paragraph of the root fragment.
func paragraph(root string) func(doc *yjs.Doc, line string) error {
	return func(doc *yjs.Doc, line string) error {
		fragment, err := doc.XMLFragment(root)
		if err != nil {
			return err
		}
		paragraph, err := fragment.InsertElement(0, "paragraph")
		if err != nil {
			return err
		}
		text, err := paragraph.InsertText(0)
		if err != nil {
			return err
		}
		return text.Insert(0, line, nil)
	}
}
