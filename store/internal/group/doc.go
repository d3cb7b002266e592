// Package group is the part of a group commit that the stores share. Calls put their
// changes into a Queue; one or several goroutines of the store take what has come
// meanwhile as a batch and write it in one transaction, so that many rooms share the
// cost of a commit. A change for which a call waits is written at once, even alone. One for
// which no call waits may stay in the queue for a moment, so that others share its commit.
//
//   - queue.go: the queue, bounded in bytes, with one batch at a time for each room
//   - unawaited.go: appends for which no call waits (store.DurabilityNone)
package group
