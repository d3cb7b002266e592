// Package layertest is the conformance suite of channel layers. A layer that passes it
// can connect consumers and workers. Each rule of the contract in package layer is one
// subtest, and its name states the rule.
//
// [Run] checks a layer that works. [RunFaults] checks that a layer on which
// messages are lost, duplicated, reordered, delayed and cut off reports what was lost,
// so that fronts and workers that keep the contract end in the same state. [Inject]
// puts such faults into a layer that has none.
package layertest

import (
	"testing"
	"time"

	"github.com/yroom/yroom/layer"
)

// Run checks the layers that open returns. Each subtest calls open once and expects a
// layer that is not in use. open must register its cleanup with t.
func Run(t *testing.T, open func(t *testing.T) layer.Layer) {
	t.Helper()
	for _, rule := range []struct {
		name  string
		check func(*testing.T, layer.Layer)
	}{
		{"Send/carries the whole input and the address of its front", sendWhole},
		{"Send/returns ErrNoOwner while no worker serves", sendNoOwner},
		{"Send/returns ErrNoOwner after the worker has drained", sendAfterDrain},
		{"Send/reports that the room is full, or closes the connection", sendFull},
		{"Send/keeps the order of a connection", sendOrder},
		{"Send/distinguishes rooms by any byte of their names", sendNames},
		{"SendAll/reaches each worker once", sendAll},
		{"SendAll/returns ErrNoOwner while no worker serves", sendAllNoOwner},
		{"Serve/can begin again after Close", serveAgain},
		{"Drain/waits for what is handled", drainWaits},
		{"Drain/handles nothing once it has returned", drainQuiet},
		{"Drain/leaves Deliver working", drainDelivers},
		{"Deliver/carries the whole output", deliverWhole},
		{"Deliver/carries the whole response", deliverResponse},
		{"Deliver/to an address reaches that front alone", deliverAddress},
		{"Deliver/keeps the order of a room", deliverOrder},
		{"Deliver/keeps the order of each of many rooms", deliverRooms},
		{"Deliver/does not keep the slice", deliverSlice},
		{"Deliver/to a front that is gone does nothing", deliverGone},
		{"Deliver/can be answered from the handler", deliverReentrant},
		{"Carry/updates of 1, 17 and 200 MiB", carryLarge},
		{"Close/of a front waits for a delivery", closeWaits},
		{"Close/of a front delivers nothing once it has returned", closeQuiet},
		{"Close/of a front closes that front and no other", closeFront},
		{"Close/of a front reports to the worker that it is gone", closeGone},
		{"Close/of a front lets no input follow that it is gone", closeGoneLast},
		{"Close/of a front twice is once", closeTwice},
		{"Close/of a back reports to the fronts that the worker is lost", closeBack},
		{"Close/of a back twice is once", closeBackTwice},
		{"Close/of a back lets what was delivered before arrive", closeBackDelivers},
	} {
		t.Run(rule.name, func(t *testing.T) { rule.check(t, open(t)) })
	}
}

// patience is how long a test waits for an event that must happen.
const patience = 20 * time.Second

// slowness is how long a handler runs when a test checks that the layer waits for it.
const slowness = 20 * time.Millisecond

const name = "layertest.room"
