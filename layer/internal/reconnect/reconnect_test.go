package reconnect_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/layer/internal/reconnect"
)

// TestLoop checks the pauses: they grow up to a second, are short again after a connection
// that has lasted, and differ between processes.
func TestLoop(t *testing.T) {
	const ms = time.Millisecond
	longest := []time.Duration{50 * ms, 100 * ms, 200 * ms, 400 * ms, 800 * ms, time.Second, 50 * ms, 100 * ms}
	first, second := pauses(t), pauses(t)
	for _, all := range [][]time.Duration{first, second} {
		if len(all) != len(longest) {
			t.Fatalf("there were %d pauses, want %d", len(all), len(longest))
		}
		for i, pause := range all {
			if pause < longest[i]/2 || pause > longest[i] {
				t.Errorf("pause %d took %v, want half of %v or more", i+1, pause, longest[i])
			}
		}
	}
	if slices.Equal(first, second) {
		t.Errorf("two processes pause for the same times: %v", first)
	}
}

// pauses returns the pauses of a loop whose attempts to connect fail, except for one
// connection that lasts a minute.
func pauses(t *testing.T) (all []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		closed := make(chan struct{})
		var left time.Time // when the last attempt ended
		attempts, failures := 0, 0
		reconnect.Loop(closed, func() error {
			if attempts++; attempts > 1 {
				all = append(all, time.Since(left))
			}
			defer func() { left = time.Now() }()
			switch attempts {
			case 7:
				time.Sleep(time.Minute)
				return nil
			case 9:
				close(closed)
			}
			return errors.New("no")
		}, func(error) { failures++ })
		if failures != 7 {
			t.Errorf("%d failures are reported, want 7: not a connection that was closed, and none once the loop has ended", failures)
		}
	})
	return all
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
