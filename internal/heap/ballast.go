// Package heap tunes how the Go runtime manages the memory of a server.
//
//   - ballast.go: garbage is collected less often while the heap is small
//   - idle.go: memory is returned to the system while the process has little to do
package heap

import "sync/atomic"

const ballastBytes = 8 << 20

// ballast keeps what AddBallast has allocated from being collected.
var ballast atomic.Pointer[[ballastBytes]byte]

// AddBallast makes the Go runtime collect garbage less often while the heap is small. The
// runtime collects when the heap has doubled since the last collection, but not before it has
// reached 4 MiB, which a server of a few rooms fills dozens of times a second. AddBallast
// allocates 8 MiB that are never written to, so they take no memory of the system. They count
// as live, so 8 MiB more of garbage can accumulate before a collection. ReturnIdle returns the
// memory of that garbage.
func AddBallast() { ballast.Store(new([ballastBytes]byte)) }
