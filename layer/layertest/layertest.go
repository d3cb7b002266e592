// Package layertest is the conformance suite of channel layers: whatever passes
// it can stand between consumers and workers. Each rule of the contract in
// package layer is one subtest that carries its name.
package layertest

import (
	"testing"
	"time"

	"github.com/yroom/yroom/layer"
)

// Run checks the layers that open makes. Each subtest calls open once and
// expects a layer that nobody uses; open registers what is to be cleaned up
// with its t.
func Run(t *testing.T, open func(t *testing.T) layer.Layer) {
	t.Helper()
	for _, rule := range []struct {
		name  string
		check func(*testing.T, layer.Layer)
	}{
		{"Send/brings the whole input and the way back", sendWhole},
		{"Send/is refused while no worker serves", sendNoOwner},
		{"Send/is refused after the worker has gone", sendAfterServe},
		{"Send/tells when the room is full", sendFull},
		{"Send/keeps the order of a connection", sendOrder},
		{"Serve/returns nil when its context ends", serveEnds},
		{"Serve/waits for what it handles", serveWaits},
		{"Serve/handles nothing once it has returned", serveQuiet},
		{"Serve/can begin again", serveAgain},
		{"Deliver/brings the whole output", deliverWhole},
		{"Deliver/brings the whole answer to who asked", deliverAnswer},
		{"Deliver/to an address reaches that consumer alone", deliverAddress},
		{"Deliver/to everyone reaches who has joined the room", deliverEveryone},
		{"Deliver/keeps the order of a room", deliverOrder},
		{"Deliver/keeps the order of each of many rooms", deliverRooms},
		{"Deliver/does not keep the slice", deliverSlice},
		{"Deliver/to a consumer that is gone is no error", deliverGone},
		{"Deliver/can be answered from the callback", deliverReentrant},
		{"Deliver/reaches the others when one leaves meanwhile", deliverWhileLeaving},
		{"Join/tells rooms apart by any byte of their names", joinNames},
		{"Join/twice is once", joinTwice},
		{"Join/of others changes nothing for who has joined", joinWhileDelivering},
		{"Leave/ends what Join began and nothing else", leaveEnds},
		{"Leave/of a room that was not joined changes nothing", leaveUnjoined},
		{"Close/leaves all rooms", closeLeaves},
		{"Close/waits for a delivery", closeWaits},
		{"Close/delivers nothing once it has returned", closeQuiet},
		{"Close/closes the port and no other", closePort},
		{"Close/twice is once", closeTwice},
	} {
		t.Run(rule.name, func(t *testing.T) { rule.check(t, open(t)) })
	}
}

// patience is how long what has to happen may take. Only a failing test waits for it.
const patience = 20 * time.Second

const name = "layertest.room"
