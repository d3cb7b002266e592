// Package event defines what crosses the channel layer: the inputs that consumers and
// programs send to the worker of a room, and the outputs that the worker sends back.
// All of it is plain data, and all numbers are fixed, so that a codec can carry it
// between processes and versions.
//
// Read in this order:
//
//   - input.go: Input, what a worker receives
//   - output.go: Output, what it sends
//   - request.go: Request and Response, for programs; RoomInfo, an entry of a list
//   - mark.go: Mark, a state of a document
//   - access.go: Access, what a connection may do
//   - trace.go: Trace, of which trace an edit is a part
//   - name.go: which strings are names of rooms, and their prefixes
package event
