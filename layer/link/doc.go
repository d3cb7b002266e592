// Package link connects the processes of a server over a bus: a broker that carries
// small messages and may lose some. A [Node] is the state machine of one process. It
// does no I/O, starts no goroutine and gets the time as a value; package buslayer
// drives it.
//
// # How it works
//
// Each Node receives what is sent to its own inbox, and what is sent to everyone.
// Heartbeats are sent to everyone. From them each Node learns which others exist, and
// which of them have workers. Nodes have to agree on nothing else.
//
// A room is placed at one of the workers that serve its channel by rendezvous hashing,
// which each Node computes for itself. Two Nodes may disagree for a moment. That does no
// harm: the worker that doesn't run a room refuses its inputs, and two workers that both
// run it find each other's updates in the store.
//
// Two Nodes exchange packets in a session. A packet has a number, and carries frames:
// inputs, outputs, or parts of these, if they are large. The receiver acknowledges
// packets, so that the sender can limit how many bytes are on their way. A packet is
// never sent again: if one is lost, both sides report the loss, as package layer
// requires, and a new session begins. So a Node keeps nothing that it has sent.
//
// # In reading order
//
//   - id.go, node.go: ID and Node, its configuration, its events, Next
//   - membership.go: heartbeats; which Nodes there are, and which are deaf or gone
//   - view.go: which worker runs a room
//   - peer.go: the session with another Node
//   - receive.go: packets and frames that arrive
//   - front.go, back.go: what the ends of the layer send
//   - stray.go: inputs that reach a worker that doesn't run their room
//   - fifo.go, queue.go, parts.go: how messages share packets, and large ones are cut into parts
//   - packet.go, heartbeat.go, code_input.go, code_output.go, fields.go: the encoding
package link
