package consumer

import (
	"errors"
	"net/http"
)

// Refusal says why a request, or a document of a Hocuspocus client, was refused. It is one of
// a fixed set, for metrics.
type Refusal string

// The Refusals. RefusalRoom and those after it are the faults of requests.
const (
	RefusalShutdown           Refusal = "shutdown"            // the Consumer shuts down
	RefusalConnections        Refusal = "connections"         // Limits.Connections
	RefusalJoins              Refusal = "joins"               // Limits.JoinsPerSecond
	RefusalAddressConnections Refusal = "address_connections" // Limits.ConnectionsPerAddress, or Settings.Address
	RefusalAddressJoins       Refusal = "address_joins"       // how often an address may open connections
	RefusalAddressRooms       Refusal = "address_rooms"       // Settings.Address: Quota.RoomsPerMinute
	RefusalUserConnections    Refusal = "user_connections"    // Settings.User: Quota.Connections
	RefusalUserRooms          Refusal = "user_rooms"          // Settings.User: Quota.RoomsPerMinute
	RefusalDocuments          Refusal = "documents"           // Limits.DocumentsPerSocket
	RefusalUnauthorized       Refusal = "unauthorized"        // a hook doesn't know the client: its status is 401
	RefusalForbidden          Refusal = "forbidden"           // a hook has refused the client
	RefusalUndecided          Refusal = "undecided"           // a hook couldn't decide: its status is 500 or more
	RefusalFault              Refusal = "fault"               // a bug in the server or in a hook
	RefusalOrigin             Refusal = "origin"              // Config.Origins
	RefusalRoom               Refusal = "room"                // no name of a room
	RefusalHeader             Refusal = "header"              // the header is too large
	RefusalUpgrade            Refusal = "upgrade"             // no request for a WebSocket
)

// Refusals lists all Refusals.
func Refusals() []Refusal {
	return []Refusal{
		RefusalShutdown, RefusalConnections, RefusalJoins, RefusalAddressConnections, RefusalAddressJoins,
		RefusalAddressRooms, RefusalUserConnections, RefusalUserRooms, RefusalDocuments,
		RefusalUnauthorized, RefusalForbidden, RefusalUndecided, RefusalFault, RefusalOrigin, RefusalRoom, RefusalHeader, RefusalUpgrade,
	}
}

// refusalOf returns why err refuses a request.
func refusalOf(err error) Refusal {
	se, ok := errors.AsType[*StatusError](err)
	switch {
	case errors.Is(err, errPanic):
		return RefusalFault
	case ok && se.why != "":
		return se.why
	case ok && se.Status >= http.StatusInternalServerError && se.Status < 600:
		return RefusalUndecided
	case ok && se.Status == http.StatusUnauthorized:
		return RefusalUnauthorized
	}
	return RefusalForbidden
}
