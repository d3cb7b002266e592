package django

import "testing"

// YroomDocument exports from the worker of channels-yroom what it exports from that of yroom.
func TestExportsOfPython(t *testing.T) {
	t.Parallel()
	s := start(t, options{layer: "core", server: "daphne", python: true})
	s.open(t, 0, "ada")
	s.must(t, "insert", "name", "ada", "text", "hello")
	s.must(t, "fill", "name", "ada")
	s.exports(t)
}
