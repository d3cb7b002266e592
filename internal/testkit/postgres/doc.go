// Package postgres runs PostgreSQL and PgBouncer for tests, as their packages install
// them: on free ports of 127.0.0.1, with passwords, and with their data in temporary
// folders. As root it runs them as an unprivileged user, because both refuse to run as
// root. A test that needs a program that is missing is skipped, as testkit.Missingf
// explains.
//
//	server.go   PostgreSQL: start, stop, crash, databases
//	pooler.go   PgBouncer
//	process.go  what both share: a process of another user, in a folder that it owns
//	death_*.go  processes end with the test process
package postgres
