//go:build race

package yjs

// underRace reports whether the race detector is on, which slows down memory accesses.
const underRace = true
