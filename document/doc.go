// Package document lets programs work with the documents of rooms: read, edit,
// watch, create, delete and list them, wherever their workers run. [Documents]
// is a program's end of a channel layer.
//
// # When a worker is lost
//
// A layer between processes sometimes loses a worker, and reports it once the room has
// another. Queries, updates passed to [Document.Apply], and changes of access are then
// sent again; streams of changes continue after their last change. An edit, a creation, a
// deletion or a broadcast is not sent again, because it may have been carried out: it
// returns [ErrOutcomeUnknown]. Apply returns that error too if no worker can take the update
// when it is sent again. While no worker serves a room, calls wait up to 10 seconds for
// one, and then return [ErrNoWorker]: nothing was changed, and the call can be repeated.
//
// Both errors wrap a *protocol.CloseError with protocol.CloseTryLater. Any other
// *protocol.CloseError is that of a room that was closed, because it or its store has
// failed or too much waits for it. A change may then have been made or not.
//
// # How to read the code
//
// In reading order:
//
//   - documents.go: Config, New and Documents, which passes what arrives from the
//     layer to the request or the watch that it is for
//   - trace.go: traces of requests
//   - request.go: how a request is sent, retried and answered
//   - document.go: Document, and the methods that send one request: Query, Update,
//     Diff, Apply, Create, Delete
//   - read.go, root.go, export.go: a document as a yjs.Doc, and its roots as text, JSON, XML, a
//     ProseMirror document or a Delta
//   - log.go: Log and Cut
//   - watch.go: Changes
//   - edit.go: Edit and EditAs. follower.go keeps the Doc from one edit to the next,
//     presence.go shows the program to the clients in the room
//   - control.go: SetAccess, Expel and Broadcast, for connections
//   - rooms.go: the list of rooms, merged from the lists of all workers
//   - errors.go: the errors
package document
