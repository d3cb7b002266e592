package main

import (
	"crypto/subtle"
	"html/template"
	"net/http"
)

// passwords stands for the database of a real app, which would hold hashes.
var passwords = map[string]string{"ada": "engine", "bob": "builder"}

var loginPage = template.Must(template.New("login").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Log in</title>
<link rel="stylesheet" href="/page/style.css">
<h1>Log in</h1>
{{with .}}<p role="alert">{{.}}</p>{{end}}
<form method="post" action="/login">
<p><label>Name <input name="name" autocomplete="username"></label>
<p><label>Password <input name="password" type="password" autocomplete="current-password"></label>
<p><button>Log in</button>
</form>
`))

var homePage = template.Must(template.New("home").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Rooms</title>
<link rel="stylesheet" href="/page/style.css">
<h1>Hello, {{.User}}</h1>
<p>Your rooms:
<ul>
{{range $room, $writes := .Rooms}}<li><a href="/rooms/{{$room}}">{{$room}}</a>, to {{if $writes}}read and write{{else}}read only{{end}}
{{end}}</ul>
<form method="post" action="/logout"><button>Log out</button></form>
`))

// app serves the pages: a login form, the page after the login, and the editor of each room.
func app(s sessions) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		user, ok := s.userOf(r)
		if !ok {
			_ = loginPage.Execute(w, "")
			return
		}
		_ = homePage.Execute(w, map[string]any{"User": user, "Rooms": roomsOf(user)})
	})
	mux.HandleFunc("GET /rooms/{room}", func(w http.ResponseWriter, r *http.Request) { serveEditor(w, r, s) })
	mux.Handle("GET /page/", http.FileServerFS(page))
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
