package main

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/yroom/yroom/event"
)

// page holds the style and the script of the editor. web/examples.mjs bundles the script
// with its libraries into page/dist, which is there once "make login" has run.
//
//go:embed page
var page embed.FS

const script = "page/dist/editor.js"

var editorPage = template.Must(template.New("editor").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{.Room}}</title>
<link rel="stylesheet" href="/page/style.css">
<header>
<a href="/">Rooms</a>
<h1>{{.Room}}</h1>
<p id="user">{{.User}} may {{if .Writes}}read and write{{else}}only read{{end}}</p>
<p id="connection" role="status">connecting</p>
</header>
{{if not .Writes}}<p class="notice">You may read this room, but not write in it. The server ignores your edits.</p>{{end}}
{{if .Built -}}
<div id="editor" data-room="{{.Room}}" data-user="{{.User}}" data-writes="{{.Writes}}"></div>
<script type="module" src="/{{.Script}}"></script>
{{- else -}}
<p class="notice">The editor is not built. Run <code>make login</code> in the folder of the repository, with Node.js installed.</p>
{{- end}}
`))

// serveEditor serves the page of a room to users that may enter it.
func serveEditor(w http.ResponseWriter, r *http.Request, s sessions) {
	user, ok := s.userOf(r)
	if !ok {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	room := r.PathValue("room")
	writes, ok := roomsOf(user)[room]
	if !ok {
		http.Error(w, "This room is not yours.", http.StatusForbidden)
		return
	}
	_, err := fs.Stat(page, script)
	_ = editorPage.Execute(w, map[string]any{"User": user, "Room": room, "Writes": writes, "Built": err == nil, "Script": script})
}

// roomsOf returns the rooms that user may enter, and whether user may write in them.
func roomsOf(user string) map[string]bool {
	rooms := map[string]bool{}
	for room, users := range members {
		if access, ok := users[user]; ok {
			rooms[room] = access.May(event.AccessWrite)
		}
	}
	return rooms
}
