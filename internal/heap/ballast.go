// Package heap tunes how the Go runtime manages the memory of a server.
//
//   - floor.go: garbage is collected less often while the heap is small
//   - idle.go: memory is returned to the system while the process has little to do
package heap

import "sync/atomic"

// floorBytes is what RaiseFloor adds to the heap.
const floorBytes = 8 << 20

// floor keeps the bytes from being collected.
var floor atomic.Pointer[[floorBytes]byte]

// RaiseFloor lets a process with a small heap collect garbage less often. The Go runtime
// collects when the heap has doubled since the last collection, or has reached 4 MiB, which a
// server of a few rooms would fill dozens of times a second. RaiseFloor adds 8 MiB to the heap
// that are never written to, so they take no memory of the system; 8 MiB more of garbage may
// come together then. ReturnIdle returns that memory.
func RaiseFloor() { floor.Store(new([floorBytes]byte)) }
