// Package document lets programs work with the documents of rooms: read, edit,
// watch, create, delete and list them, wherever their workers run. [Documents]
// is a program's end of a channel layer.
//
// Reading order: [New], [Documents.Document], [Document.Read] and the exports of
// single roots, [Document.Edit], [Document.Changes], [Document.Create],
// [Documents.Rooms], and the errors.
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
package document
