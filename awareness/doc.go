// Package awareness holds the awareness states of one room, as y-protocols defines
// them: for each client that is present, what it shows the other clients about its
// user. A state belongs to a client id, and to the connection that it came from.
//
// An awareness update is a list of entries (client id, clock, state). A state is JSON;
// null means that the client is gone. In addition to the protocol, each client id has
// an owner here: the connection whose state was accepted last. Stock clients forward
// the states of others, so an update doesn't show which client sent it. Without owners,
// the end of a lost connection would remove a user who has reconnected. And a connection
// holds the client id that is its own: no connection of another user can change or
// remove its state while the holder is there.
//
// All updates that this package returns list the clients by ascending id, each once.
//
// Read in this order:
//
//   - awareness.go: Awareness, with what a connection does (Join, Apply, Leave), what
//     time does (Expire), and what the room reads (Encode, States)
//   - claim.go: which connection holds a client id, and claims of others
//   - limits.go: Config and the other bounds, and the check of a state
//   - update.go: an update as entries, and Merge
//   - name.go: Named, which writes the name of a user into states
//   - own.go: Own, which client is a connection's own, and the state that it has sent
package awareness
