// Package testkit holds what the tests of several packages share. Only tests
// import it.
//
//	update.go   updates and messages as a Yjs client sends them
//	missing.go  the rule for tests that need something from the machine
//	node.go     scripts that Node.js runs
//	server.go   yroom serve as a process
//	disk.go     a small disk, and a full one
//	wait.go     waiting for a condition, a logger
//	overlay.go  programs that are built with other texts in place of some files
//	commonmark.go  the examples of CommonMark
//	linear.go   times that may not grow with the square of the input
//	verdict.go  whether a measured value is within its bounds
//	wsclient/   a WebSocket client
//	faulty/     a store whose calls fail, block or are dropped on demand
//	postgres/   PostgreSQL and PgBouncer as processes
//
// The package itself imports the standard library only, so the tests of every
// package of the module can import it.
package testkit
