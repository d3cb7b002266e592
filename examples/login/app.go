package main

import (
	"crypto/subtle"
	"html/template"
	"net/http"

	"github.com/yroom/yroom/event"
)

// passwords stands for the database of a real app, which would hold hashes.
var passwords = map[string]string{"ada": "engine", "bob": "builder"}

var loginPage = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en"><title>Log in</title>
<h1>Log in</h1>
{{with .}}<p role="alert">{{.}}</p>{{end}}
<form method="post" action="/login">
<p><label>Name <input name="name" autocomplete="username"></label>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label>
<p><button>Log in</button>
</form>
`))

var homePage = template.Must(template.New("home").Parse(`<!doctype html>
<html lang="en"><title>Rooms</title>
<h1>Hello, {{.User}}</h1>
<p>Your rooms, where a Yjs client of this page may connect. The browser sends the cookie by itself.
<ul>
{{range $room, $write := .Rooms}}<li><code>new WebsocketProvider('ws://{{$.Host}}/ws', '{{$room}}', doc)</code>, to {{if $write}}write{{else}}read{{end}}
{{end}}</ul>
<form method="post" action="/logout"><button>Log out</button></form>
`))

// app serves the pages: a login form, and the page after the login.
func app(s sessions) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		user, ok := s.userOf(r)
		if !ok {
			_ = loginPage.Execute(w, "")
			return
		}
		_ = homePage.Execute(w, map[string]any{"User": user, "Host": r.Host, "Rooms": roomsOf(user)})
	})
	mux.HandleFunc("POST /login", func(w http.ResponseWriter, r *http.Request) {
		name := r.PostFormValue("name")
		password, known := passwords[name]
		if !known || subtle.ConstantTimeCompare([]byte(r.PostFormValue("password")), []byte(password)) != 1 {
			w.WriteHeader(http.StatusUnauthorized)
			_ = loginPage.Execute(w, "The name or the password is wrong.")
			return
		}
		s.begin(w, name)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	mux.HandleFunc("POST /logout", func(w http.ResponseWriter, r *http.Request) {
		s.end(w)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
	return mux
}

// roomsOf returns the rooms that user may enter, and whether user may write in them.
func roomsOf(user string) map[string]bool {
	rooms := map[string]bool{}
	for room, who := range members {
		if access, ok := who[user]; ok {
			rooms[room] = access.May(event.AccessWrite)
		}
	}
	return rooms
}
