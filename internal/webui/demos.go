package webui

import (
	crand "crypto/rand"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"strings"
)

// demos are the editors. Each has a page with its name, and an address for each room.
var demos = []string{"prosemirror", "tiptap", "codemirror", "board"}

// notBuilt is the answer in place of a page that this build doesn't have.
const notBuilt = "This yroom was built without the demo editors and the pages about rooms. They are in the binaries of a release " +
	"(https://github.com/yroom/yroom/releases), and in the source of yroom \"make run\" builds them and starts a server with them."

// handleDemos adds the editors to mux. built is nil if this build has none.
func handleDemos(mux *http.ServeMux, built fs.FS) {
	for _, demo := range demos {
		mux.HandleFunc("GET /"+demo, toHome)
		mux.HandleFunc("GET /"+demo+"/{$}", toHome)
		mux.Handle("GET /"+demo+"/{room...}", page(built, demo))
		mux.HandleFunc("GET /new/"+demo, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, "/"+demo+"/"+newRoom(), http.StatusSeeOther)
		})
	}
}

// handleRooms adds the pages for operators to mux. They request their data from the
// server, which decides whether the user may see it.
func handleRooms(mux *http.ServeMux, built fs.FS) {
	mux.Handle("GET /rooms", page(built, "rooms"))
	mux.HandleFunc("GET /rooms/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/rooms", http.StatusSeeOther)
	})
	mux.Handle("GET /rooms/{room...}", page(built, "room"))
}

func toHome(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// page serves the page NAME.html of built. {{nonce}} in it is replaced by a nonce,
// with which its script may add styles.
func page(built fs.FS, name string) http.Handler {
	if built == nil {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, notBuilt, http.StatusNotFound)
		})
	}
	const placeholder = "{{nonce}}"
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		content, err := fs.ReadFile(built, name+".html")
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		html, styles := string(content), "'self'"
		if strings.Contains(html, placeholder) {
			nonce := crand.Text()
			html = strings.ReplaceAll(html, placeholder, nonce)
			styles += " 'nonce-" + nonce + "'"
		}
		Secure(w.Header(), styles)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = w.Write([]byte(html)) // the browser may have closed the connection
	})
}

// Secure allows a page to load and to connect to this server only. styles are the
// sources of styles, such as "'self'".
func Secure(h http.Header, styles string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src "+styles+
		"; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // anyone who has a room's name can enter the room
}

var (
	qualities = strings.Fields("amber brave bright calm clear early gentle golden green grey kind late light lucid mellow merry mild north open plain quiet rapid round silver slow small soft south spare still sunny swift tall warm west wide wild wise young")
	things    = strings.Fields("alder badger beech birch brook cedar clover comet crane creek dune ember falcon fern field fjord forest fox harbour hazel heath heron hill island lake lark linden maple meadow moss otter owl pebble pine plover quartz raven reed ridge river robin sparrow spruce stone swan thistle tide willow wren")
)

// newRoom returns a random name that can be read out, one of 19 million.
func newRoom() string {
	return fmt.Sprintf("%s-%s-%d", qualities[rand.IntN(len(qualities))], things[rand.IntN(len(things))], 1000+rand.IntN(9000))
}
