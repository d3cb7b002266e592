//go:build race

package yjs

// underRace tells that the race detector slows down each access to memory.
const underRace = true
