// Package api is the document API: an http.Handler with which programs in any
// language list rooms, and read, change, create, delete and watch documents. A
// program that embeds yroom mounts it behind its own authorization:
//
//	mux.Handle("/api/", authorized(api.New(api.Config{Documents: server.Documents()})))
//
// The Handler itself authorizes nothing: each request that reaches it is carried out.
//
// The OpenAPI description of the API is at /api/openapi.yaml.
//
// Read in this order:
//
//   - api.go: Config, Handler, and the addresses
//   - list.go: the list of rooms
//   - read.go: a document in the format that the client accepts; accept.go reads the
//     Accept header, and answer.go answers conditional requests
//   - schema.go: the formats that depend on the schema of a room: Markdown, HTML and blocks.
//     blocks.go changes blocks
//   - exports.go: the memory for documents that are being read
//   - write.go: updates, creations and deletions
//   - control.go: the connections in a room, and changes of them
//   - log.go: the log of a room, and cuts
//   - stream.go: the changes of a document as server-sent events
//   - problem.go: the errors, as problem details (RFC 9457)
//   - openapi.go, openapi.yaml: the description
//   - timed_writer.go: a response that ends when the client no longer reads
package api
