package reconnect_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/layer/internal/reconnect"
)

// TestLoop checks the pauses: they grow up to a second, and are short again after a
// connection that has lasted.
func TestLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		began := time.Now()
		var at []time.Duration
		failures := 0
		reconnect.Loop(closed, func() error {
			at = append(at, time.Since(began))
			switch len(at) {
			case 7:
				time.Sleep(time.Minute)
				return nil
			case 9:
				close(closed)
			}
			return errors.New("no")
		}, func(error) { failures++ })
		const ms = time.Millisecond
		want := []time.Duration{0, 50 * ms, 150 * ms, 350 * ms, 750 * ms, 1550 * ms, 2550 * ms, 62600 * ms, 62700 * ms}
		if !slices.Equal(at, want) {
			t.Errorf("connected at %v, want %v", at, want)
		}
		if failures != 7 {
			t.Errorf("%d failures are reported, want 7: not a connection that was closed, and none once the loop has ended", failures)
		}
	})
}

func TestRenewal(t *testing.T) {
	r := reconnect.NewRenewal()
	r.Ask()
	r.Ask()
	r.Reset()
	select {
	case <-r:
		t.Error("a renewal is asked for after Reset")
	default:
	}
	r.Ask()
	select {
	case <-r:
	default:
		t.Error("no renewal is asked for after Ask")
	}
}
