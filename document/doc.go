// Package document lets programs work with the documents of rooms: read, edit,
// watch, create, delete and list them, wherever their workers run. [Documents]
// is a program's end of a channel layer.
//
// # When a worker is lost
//
// A layer between processes loses a worker now and then, and reports it once
// the room has another. Queries, and updates given to [Document.Apply], are then
// sent again; streams of changes go on from their last change. An edit, a
// creation and a deletion can't be repeated blindly: they return a
// *protocol.CloseError with protocol.CloseTryLater, whose reason says that the
// outcome is unknown. While no worker serves a room, everything waits for one:
// 10 seconds at most, and then returns a *protocol.CloseError with that code too.
//
// # How to read the code
//
// In reading order:
//
//   - documents.go: Config, New and Documents, which passes what arrives from the
//     layer to the request or the watch that it is for
//   - request.go: how a request is sent, retried and answered
//   - document.go: Document, and the methods that send one request: Query, Update,
//     Diff, Apply, Create, Delete
//   - read.go, export.go: a document as a yjs.Doc, and its roots as text, JSON, XML, a
//     ProseMirror document or a Delta
//   - watch.go: Changes
//   - edit.go: Edit and EditAs. follower.go keeps the Doc from one edit to the next,
//     presence.go shows the program to the clients in the room
//   - rooms.go: the list of rooms, merged from the lists of all workers
//   - errors.go: the errors
package document
