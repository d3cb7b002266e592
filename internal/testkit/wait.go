package testkit

import (
	"testing"
	"time"
)

// Patience is how long a test waits for an event that must happen.
const Patience = 20 * time.Second

// Eventually calls pending every millisecond until it returns "". Once [Patience] has
// passed, it fails the test with the last result of pending.
func Eventually(t testing.TB, what string, pending func() string) {
	t.Helper()
	end := time.Now().Add(Patience)
	for why := pending(); why != ""; why = pending() {
		if time.Now().After(end) {
			t.Fatalf("%s: not after %v: %s", what, Patience, why)
		}
		time.Sleep(time.Millisecond)
	}
}
