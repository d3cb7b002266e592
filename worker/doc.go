// Package worker runs rooms. It opens a room when a connection joins or a program
// requests something, passes inputs to it turn by turn, stores what they add to its
// document before any client sees it, and evicts the room when it is no longer used.
//
// Read in this order:
//
//   - worker.go: Config, Worker, Run, and the table of rooms in memory
//   - settings.go, runtime.go: the settings of a room; goroutines, timers and the
//     clock, which a simulation replaces
//   - handle.go: an input that arrives from the layer, up to the mailbox of its room
//   - actor.go: the state and the turns of one room
//   - portion.go: keeps rooms whose turns take long from delaying others
//   - pace.go: makes a room with many connections broadcast less often
//   - load.go: loads a room, and loads it again after a create
//   - append.go: stores updates, creates and deletes one after the other, and delays
//     outputs until they may be sent
//   - check.go: merges into a room what another worker has appended to its log
//   - compact.go, compact_whole.go, slots.go: replaces a log by a snapshot; checks that the
//     snapshot lacks nothing; how many rooms do so at once
//   - deliver.go, receivers.go: sends outputs to the layer; to which front each goes
//   - evict.go, alarm.go: ends an actor whose room is no longer used; its timer
//   - memory.go, intake.go: bounds what all rooms take, and what waits for them and the store
//   - trial.go: tries updates that may freeze clients, one at a time, and what is compacted
//   - repeat.go: repeats a call of the store that fails
//   - fail.go: closes a room after a failure or a delete, and refuses inputs then
//   - suspend.go: keeps a room whose updates can't be stored for those that read it
//   - lost.go: handles fronts that are gone, and messages that were lost
//   - handover.go: hands over rooms to another worker, also when this worker drains
//   - request.go: admits what programs request of a room, and refuses requests
//   - request_create.go: creates, deletes and cuts
//   - request_control.go: access, expelling and messages of programs, also in all rooms
//   - request_log.go: describes logs, and cuts them
//   - request_stored.go: queries to a room that is not in memory
//   - request_rooms.go: the list of rooms
//   - clash.go: reports what clients write with the ids of others
//   - events.go, stats.go: what a Worker reports to metrics, and what it has in memory now
//   - trace.go: how a trace travels through a turn
//   - scratch.go: slices that turns reuse
package worker
