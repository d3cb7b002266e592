//go:build race

package blocks

// underRace tells that the race detector slows down each access to memory.
const underRace = true
