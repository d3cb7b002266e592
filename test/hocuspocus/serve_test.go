package hocuspocus_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// A process of yroom serve admits the providers by JSON Web Tokens.
func TestServe(t *testing.T) {
	requireNode(t)
	program, dir := testkit.Build(t), t.TempDir()
	const apiToken = "a-token-of-the-API-which-is-long-enough"
	for name, content := range map[string]string{"secret": "a secret that is long enough to sign tokens with it", "api": apiToken} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	server := testkit.Serve(t, program, dir, "--store", "sqlite:yroom.db", "--jwt-key-file", "secret", "--api-token-file", "api")
	token := func(access, valid string) string {
		cmd := exec.Command(program, "token", "--key-file", "secret", "--room", "*", "--access", access, "--expires", valid)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	at := reach(t, server, apiToken)
	at.Tokens = map[string]string{"writer": token("write", "1h"), "reader": token("read", "1h")}
	at.Denial = "This is not a signed token, or its algorithm is not allowed."
	playAll(t, "serve", at)
	at.Tokens["short"] = token("write", "33s") // the server asks for another 30 s before it expires
	older := start(t, "expiring", "provider 3", at)
	t.Run("expiring, provider 4", start(t, "expiring", "provider 4", at).Report)
	t.Run("expiring, provider 3", older.Report)
	server.Stop(t)
}

// A process of yroom serve without a login admits providers that have no token. Provider 2
// doesn't even send an Auth then.
func TestServeOpen(t *testing.T) {
	requireNode(t)
	server := testkit.Serve(t, testkit.Build(t), t.TempDir())
	at := reach(t, server, "")
	at.Tokens = map[string]string{"writer": ""}
	playAll(t, "open", at)
	server.Stop(t)
}

// reach returns how play.mjs reaches a server, whose API has this token.
func reach(t *testing.T, server *testkit.Server, apiToken string) address {
	t.Helper()
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := stored(w, server.Host, apiToken, r.URL.Query().Get("room")); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(control.Close)
	return address{URL: "ws://" + server.Host + "/hocuspocus", Control: control.URL}
}

// stored writes the document of a room, which it reads by the API of the server.
func stored(w http.ResponseWriter, host, token, room string) error {
	request, err := http.NewRequest(http.MethodGet, "http://"+host+"/api/rooms/"+url.PathEscape(room), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Accept", "application/octet-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
		_, _ = io.Copy(w, response.Body) // the client may be gone
	case http.StatusNotFound:
		_, _ = w.Write([]byte{0, 0}) // an empty document
	default:
		return fmt.Errorf("%s: %s", room, response.Status)
	}
	return nil
}
