//go:build !race

package yjs

const underRace = false
