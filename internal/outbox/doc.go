// Package outbox decides what is written to a connection of a room. It also decides
// what to request from the room when the connection reads more slowly than others
// write, or when messages of the room were lost.
//
// An [Outbox] is plain data: it does no I/O, has no lock, starts no goroutine
// and doesn't read the clock. The consumer runs one for each connection, and the
// simulator runs the same code.
//
// Read in this order:
//
//   - outbox.go: Frame, Outbox, Add and Take: what waits, and what is being written
//   - behind.go: which updates are queued and which are dropped, and with it when a
//     connection is behind and when it is up to date again
//   - ask.go: the Join, the SyncStep1 and the Resync that are due, which request from the
//     room what a connection lacks (room/resync.go answers)
//   - offer.go: answers that are too large to be taken at once, which the room offers
//   - vectors.go: the state vectors of a room, which a Join and a Resync carry
//   - awareness.go: bounds the awareness that waits
//   - acks.go: counts the updates of a client that is told of each whether it was stored
//
// # Why no update is lost
//
// An update has the Mark of the document that it brings the receiver to. The outbox
// keeps one invariant: unless the field written is the zero Mark, the client has
// everything up to it.
//
// A frame is whole if the receiver has everything up to its Mark once it has the frame,
// whatever was dropped before. Every document frame for one connection is whole: a
// SyncStep2, which the room has computed from the client's own state vector or from a
// Mark that was written, and an Update that answers a Resync, which the room has
// computed from such a Mark too. A broadcast is not whole: it continues the state whose
// Seq is one less. The rules are:
//
//   - After the first whole frame, a broadcast is queued only if it continues the
//     document frame that was queued last: the same epoch, and the next Seq. A
//     broadcast that isn't newer is a duplicate and is dropped. In all other cases
//     updates are missing, and the outbox is behind.
//   - When an update doesn't fit, it and all updates that wait are dropped, and the
//     outbox is behind. Frames that are being written are not dropped: they are written
//     in full, or the connection ends.
//   - While the outbox is behind, broadcasts are dropped, because each would follow a
//     gap. They are dropped before the Resync is sent and until its answer arrives. The
//     room made these broadcasts before the answer, so the answer includes them.
//   - The outbox is no longer behind when the answer or a SyncStep2 arrives. Later
//     broadcasts of the room arrive after it and continue it. If a newer frame has
//     arrived before the answer, the answer was overtaken, and the outbox stays behind.
//   - A Resync is due when no document frame waits or is being written. Awareness may
//     still wait; otherwise frequent awareness could keep a slow client from ever
//     catching up.
//   - At most one Resync is unanswered. If a SyncStep2 was written before its answer
//     arrives, the answer repeats updates that the client has.
//   - A Join with GreetingRejoin is due when the room may have forgotten the
//     connection. Until its answer, a SyncStep2, arrives, broadcasts are queued as long
//     as each continues the one before. The answer includes all document frames that
//     wait, which are dropped. The answer to an earlier Resync may never arrive, and
//     the outbox doesn't wait for it.
//
// The answer to a Resync or a Rejoin is kept when the outbox overflows after it. So
// each answer brings the client to a later Mark, however small the outbox is. The first
// SyncStep2 is kept too, because the client waits for it, and so is an answer that was
// granted.
//
// # Large answers
//
// Each input says how many bytes of document the outbox takes: half of its size. The
// room offers a larger answer instead of sending it. It is asked for when no document
// frame waits or is being written, as a Resync is, and after it was granted: the caller
// decides when there is memory for it. While an answer is on its way or waits, a
// SyncStep1 of the client is only answered with an offer. An offer of the whole document
// may be met with any whole document of the same epoch, and a Resync afterwards.
//
// # Order
//
// Frames are written in the room's order, so that the room alone decides whether
// SyncStep1 comes before SyncStep2 or after it. Of several SyncStep1, only the newest
// waits, in the place of the oldest, because the server's state vector in it includes those
// in earlier ones. It is never dropped, because a client that doesn't receive it doesn't
// send what it wrote offline.
package outbox
