// Package room is one shared document and who is in it, as a pure state
// machine: what happened goes in, what to store and whom to tell comes out. It
// does no I/O, starts no goroutine and asks no clock.
package room
