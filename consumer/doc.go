// Package consumer is the front of the house: an http.Handler that admits
// WebSocket clients, carries what they say to the worker of their room through
// the channel layer, and carries back what the room answers.
//
// A connection has one goroutine, the one that net/http serves it on, which
// reads. Writing is done by a second one that exists only while there is
// something to write. What a connection may do (its room.Access) is enforced in
// the room, not here: every frame is passed on.
package consumer
