package api

import (
	"bytes"
	_ "embed"
	"net/http"
	"strconv"
)

// description is the OpenAPI description of the API.
//
//go:embed openapi.yaml
var description []byte

// describe sends the description, with the paths at which the API is mounted. The
// description reveals nothing about the server, so it needs no authorization.
func (a *Handler) describe(w http.ResponseWriter, _ *http.Request, _ string) error {
	text := bytes.ReplaceAll(description, []byte("\n  "+defaultPrefix+"/"), []byte("\n  "+a.prefix+"/"))
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	_, _ = w.Write(text) // the client may have closed the connection
	return nil
}
