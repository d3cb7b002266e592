// Package webhook tells programs elsewhere, by HTTP requests, what happens to rooms: that a
// room was created, changed or deleted, and that a connection has joined or left it.
//
// A store that implements store.Notices has a notice of each such event, which it has stored
// with the change itself. A Deliverer takes the notices, sends a request for each to the address
// of its webhook, and removes those whose requests were answered with a status of the class 2xx.
// It sends others again. So each event arrives at least once, and those of a room arrive in order. Several
// processes may deliver the notices of one store: each notice is taken by one of them at a time.
//
// Requests have the format and the signature of Standard Webhooks
// (https://www.standardwebhooks.com).
//
//   - config.go: Hook, Config, and what is wrong with a Hook
//   - deliver.go: Deliverer, which takes notices
//   - attempt.go: the request for a notice, and what follows from the answer
//   - connections.go: the notices of connections that join and leave
//   - message.go: the body of a request; text.go: the text of a document
//   - secret.go: secrets and signatures
//   - address.go: which addresses are connected to
//   - receive.go: Receive, for the program that receives the requests
//   - stats.go: what was done so far
package webhook
