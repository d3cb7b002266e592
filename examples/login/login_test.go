package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/store/memstore"
)

// Messages of a Yjs client. hello is an update of client 1, which has typed "hello".
var (
	hello      = testkit.Typed(1, 0, "hello")
	typed      = testkit.Update(hello)
	ask        = testkit.SyncStep1([]byte{0}) // what is there?
	answer     = testkit.SyncStep2(hello)
	answerNone = testkit.SyncStep2([]byte{0, 0}) // nothing
)

func serve(t *testing.T) *httptest.Server {
	t.Helper()
	key := sessions("a key for tests")
	rooms, err := newRooms(memstore.New(), key.userOf)
	if err != nil {
		t.Fatal(err)
	}
	mux := app(key)
	mux.Handle("/ws/{room}", rooms)
	web := httptest.NewServer(mux)
	t.Cleanup(func() {
		if err := rooms.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		web.Close()
	})
	return web
}

// login submits the form, and returns the cookie and the status of the page after it.
func login(t *testing.T, web *httptest.Server, name, password string) (cookie string, status int) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := http.Client{Jar: jar}
	page, err := browser.PostForm(web.URL+"/login", url.Values{"name": {name}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	page.Body.Close()
	at, err := url.Parse(web.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range jar.Cookies(at) {
		cookie = c.Name + "=" + c.Value
	}
	return cookie, page.StatusCode
}

func connect(t *testing.T, web *httptest.Server, room, cookie string) (*wsclient.Client, error) {
	t.Helper()
	header := http.Header{"Origin": {web.URL}}
	if cookie != "" {
		header.Set("Cookie", cookie)
	}
	c, err := wsclient.Dial(t.Context(), web.URL+"/ws/"+room, header)
	if err == nil {
		t.Cleanup(func() { c.Close() })
	}
	return c, err
}

func TestLogin(t *testing.T) {
	web := serve(t)
	if cookie, status := login(t, web, "ada", "engine"); cookie == "" || status != http.StatusOK {
		t.Errorf("the right password: cookie %q, status %d", cookie, status)
	}
	for _, test := range [][2]string{{"ada", "builder"}, {"ada", ""}, {"eve", ""}, {"", ""}} {
		if cookie, status := login(t, web, test[0], test[1]); cookie != "" || status != http.StatusUnauthorized {
			t.Errorf("%q: cookie %q, status %d", test, cookie, status)
		}
	}
}

func TestAdmission(t *testing.T) {
	web := serve(t)
	ada, _ := login(t, web, "ada", "engine")
	bob, _ := login(t, web, "bob", "builder")
	forged := "session=" + strings.Replace(strings.TrimPrefix(bob, "session="), "Ym9i", "YWRh", 1) // bob's cookie with ada's name
	if forged == bob {
		t.Fatal("there is nothing to forge in " + bob)
	}
	expired := "YWRh.1000000000"
	expired = "session=" + expired + "." + sessions("a key for tests").sign(expired)
	for _, test := range []struct {
		name, room, cookie string
		want               int // 0: let in
	}{
		{"ada in her diary", "diary", ada, 0},
		{"ada in the notes", "notes", ada, 0},
		{"bob in the notes", "notes", bob, 0},
		{"bob in ada's diary", "diary", bob, http.StatusForbidden},
		{"a room that isn't there", "attic", ada, http.StatusForbidden},
		{"no cookie", "notes", "", http.StatusUnauthorized},
		{"a forged cookie", "diary", forged, http.StatusUnauthorized},
		{"an old cookie", "diary", expired, http.StatusUnauthorized},
		{"half a cookie", "notes", "session=YWRh", http.StatusUnauthorized},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := connect(t, web, test.room, test.cookie)
			var status ws.StatusError
			if errors.As(err, &status); int(status) != test.want || test.want == 0 && err != nil {
				t.Errorf("got %v, want status %d", err, test.want)
			}
		})
	}
}

func TestBobOnlyReads(t *testing.T) {
	web := serve(t)
	cookie, _ := login(t, web, "bob", "builder")
	bob, err := connect(t, web, "notes", cookie)
	if err != nil {
		t.Fatal(err)
	}
	bob.MustSend(t, typed, ask)
	bob.MustAwait(t, answerNone) // the document lacks bob's edit

	cookie, _ = login(t, web, "ada", "engine")
	ada, err := connect(t, web, "notes", cookie)
	if err != nil {
		t.Fatal(err)
	}
	ada.MustSend(t, typed)
	bob.MustAwait(t, typed) // bob receives ada's edits
	bob.MustSend(t, ask)
	bob.MustAwait(t, answer)
}

// The page of a room says what its user may do there, and others don't get it.
func TestRoomPage(t *testing.T) {
	web := serve(t)
	ada, _ := login(t, web, "ada", "engine")
	bob, _ := login(t, web, "bob", "builder")
	for _, test := range []struct {
		name, room, cookie string
		status             int
		want               string
	}{
		{"ada in the notes", "notes", ada, http.StatusOK, "ada may read and write"},
		{"bob in the notes", "notes", bob, http.StatusOK, "bob may only read"},
		{"bob in ada's diary", "diary", bob, http.StatusForbidden, "This room is not yours."},
		{"a room that isn't there", "attic", ada, http.StatusForbidden, "This room is not yours."},
		{"no cookie", "notes", "", http.StatusOK, "Log in"}, // the page to which the browser is sent
	} {
		t.Run(test.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.URL+"/rooms/"+test.room, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			if test.cookie != "" {
				r.Header.Set("Cookie", test.cookie)
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			page, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != test.status || !strings.Contains(string(page), test.want) {
				t.Errorf("status %d (%v), want %d and %q\n%s", response.StatusCode, err, test.status, test.want, page)
			}
			if reads := strings.Contains(string(page), "but not write in it"); reads != strings.Contains(test.want, "only read") {
				t.Errorf("the notice for readers is there: %v\n%s", reads, page)
			}
		})
	}
}

// The code of the app for its rooms has fewer than 40 lines.
func TestRoomsAreFewLines(t *testing.T) {
	yroom := regexp.MustCompile(`yroom|newRooms|documents|"/ws/|access`)
	lines := 0
	for _, name := range []string{"rooms.go", "main.go", "app.go", "editor.go", "session.go"} {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(file) {
			blank := len(bytes.TrimSpace(line)) == 0
			if !blank && (name == "rooms.go" || yroom.Match(line)) {
				lines++
			}
		}
	}
	t.Logf("%d lines", lines)
	if lines >= 40 {
		t.Errorf("%d lines of the app are about rooms", lines)
	}
}
