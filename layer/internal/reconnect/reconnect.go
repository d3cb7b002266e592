// Package reconnect keeps the connection of a bus to its broker.
package reconnect

import (
	"math/rand/v2"
	"time"
)

// The bounds on the pauses between attempts to connect. Each pause is random, from half of
// its bound up to the bound. Otherwise all processes would connect at the same moments
// after a broker has restarted.
const (
	firstPause   = 50 * time.Millisecond
	longestPause = time.Second
)

// Loop calls connect again and again, until closed is closed. connect must connect, and
// return an error when the connection has failed, or nil when it has closed the
// connection on purpose. Loop calls failed with each error, unless closed is closed.
func Loop(closed <-chan struct{}, connect func() error, failed func(error)) {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		began := time.Now()
		err := connect()
		if time.Since(began) > 2*longestPause {
			pause = firstPause // it was connected for a while
		}
		select {
		case <-closed:
			return
		default:
		}
		if err != nil {
			failed(err)
		}
		select {
		case <-closed:
			return
		case <-time.After(pause/2 + rand.N(pause/2)):
		}
	}
}

// Renewal is a channel that can be received from once a new connection was asked for.
type Renewal chan struct{}

// NewRenewal returns a Renewal for which none was asked.
func NewRenewal() Renewal { return make(Renewal, 1) }

// Ask asks for a new connection.
func (r Renewal) Ask() {
	select {
	case r <- struct{}{}:
	default:
	}
}

// Reset forgets that a connection was asked for.
func (r Renewal) Reset() {
	select {
	case <-r:
	default:
	}
}
