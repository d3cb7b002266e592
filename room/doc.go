// Package room is a shared document and the connections that edit it, as a pure state
// machine: it takes inputs, and returns what to store and what to send. It does no I/O,
// starts no goroutine, and receives the time as a value.
//
// Read in this order:
//
//   - room.go: Config, Room, New and Load
//   - step.go: Step, and a turn from its first input to its broadcasts; messages
//     of connections
//   - join.go: connections that join, join again, leave, or are asked to rejoin
//   - acks.go: updates of connections, and their Acks, Rejects and Uncounteds
//   - access.go: access that changes, connections that programs close, and broadcasts of
//     programs
//   - sync.go: the answers to SyncStep1 and QueryAwareness
//   - ask.go: asks clients for updates that were lost
//   - vectors.go: saved state vectors, from which the updates that a receiver missed
//     are computed
//   - resync.go: brings a slow client, or one that rejoins, up to date
//   - request.go: queries, watches and edits of programs
//   - merge.go: updates that another worker has stored
//   - edits.go: how many updates there were lately
package room
