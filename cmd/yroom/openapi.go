package main

import (
	_ "embed"
	"net/http"
	"strconv"
)

// description is the OpenAPI description of the document API.
//
//go:embed openapi.yaml
var description []byte

// describe answers with it. It tells nothing about this server, so it needs no token.
func describe(w http.ResponseWriter, _ *http.Request, _ string) error {
	w.Header().Set("Content-Type", "application/yaml")
	w.Header().Set("Content-Length", strconv.Itoa(len(description)))
	_, _ = w.Write(description) // the client may be gone
	return nil
}
