// Package load plays the clients of a Yjs server, thousands at a time, and measures how the
// server serves them: how many edits it delivers in a second and how late, and what CPU time
// and memory its processes need.
//
// A scenario is a struct, such as FanOut, whose Run returns a Report. At its end it checks
// that all clients have the same document.
//
// # How it stays cheap
//
// The clients share a machine with the server. So a client holds no document. Each author
// types a text of its own, whose letters follow from its client id and their clocks. A client
// checks the letters and the origin of each block that it receives, and counts for each author
// how much it has received without a gap. Clients for which this is the same hold the same
// document. Each client has one goroutine, which reads all that has arrived at once.
package load
