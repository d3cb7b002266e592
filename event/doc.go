// Package event defines what crosses the channel layer: the inputs that consumers and
// programs send to the worker of a room, and the outputs that the worker sends back.
// All of it is plain data, and all numbers are fixed, so that a codec can carry it
// between processes and versions.
//
// Reading order: [Input], [Output], [Request] and [Response], [Mark], [Access],
// [RoomInfo], [CheckName].
package event
