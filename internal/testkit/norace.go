//go:build !race

package testkit

// UnderRace reports whether the race detector is on, which slows down each access
// to memory and allocates.
const UnderRace = false
