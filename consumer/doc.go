// Package consumer is the http.Handler to which WebSocket clients connect. It
// admits them, sends their messages through the channel layer to the worker of
// their room, and writes to them what the room sends.
//
// A connection has two halves: a socket, which reads, writes and closes, and a
// [Conn] for each document on it, which holds what the client may do and what it
// has been sent. A socket of the plain dialect has one Conn, that of a Hocuspocus client
// one for each document that is open.
//
// A socket has one goroutine, which waits until bytes arrive. Its stack stays small, and it
// has no buffer. What handles the bytes needs a larger stack, and runs on a goroutine of the
// pool. Sockets that have something to write wait in a queue, and a few goroutines of the pool
// write what the system takes at once. A socket that takes no more, or isn't one of the system, as
// with TLS, has a writer of its own while there is something to write. Another goroutine asks the
// room for what a Conn lacks, and exists only until that was sent. On the socket of a
// Hocuspocus client, each document that is being opened has one, too. None of them is the
// one on which net/http calls ServeHTTP, because that one holds the whole request. What a connection may
// do (its event.Access) is enforced by the room: every message is passed on.
//
// Files, in the order in which a connection passes them:
//
//   - consumer.go, hooks.go, events.go, refusal.go: configuration, what runs when, and why
//     requests are refused
//   - limits.go, quota.go: how many connections there may be, and what each user and address
//     may do
//   - admit.go, origin.go: what a request may connect to, its token and its origin
//   - socket.go, socket_read.go, socket_write.go, socket_close.go: the socket
//   - input.go, input_unix.go, input_other.go: how an idle socket takes little memory
//   - write_queue.go, attempt.go: how many sockets are written to by few goroutines
//   - syscall_linux.go, syscall_unix.go: reading and writing without waiting
//   - compression.go, deflate.go, inflate.go: what is compressed, and how
//   - incoming.go: bounds the large messages that arrive at once
//   - cause.go: why a connection ends, and what of it the client may see
//   - hocuspocus.go, hocuspocus_slot.go, hocuspocus_conn.go: a socket with many documents,
//     each of which is admitted, opened and ended for itself
//   - conn.go, receive.go, send.go: a document on it, and what its client sends
//   - deliver.go, frame.go, rooms.go: what the room sends, and to which Conns
//   - access.go, renew.go: the access changes, and the admission is renewed
//   - rejoin.go: joins again and brings slow clients up to date, as
//     internal/outbox decides
//   - probe.go: whether a client is there, if another one claims its client id
//   - offer.go, answers.go, whole.go: large answers, which are offered, wait for memory
//     and are shared
//   - trace.go: edits of which a trace is kept
//   - stats.go: what the consumer does now, and has done so far
//   - sweep.go, shutdown.go: what happens to idle, dead and expired connections,
//     and to all of them in the end
package consumer
