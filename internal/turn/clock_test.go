package turn_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/internal/turn"
)

func TestWallClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		clock := turn.Wall()
		begin := clock.Now()
		var at time.Time
		clock.AfterFunc(time.Minute, func() { at = clock.Now() })
		stop := clock.AfterFunc(time.Second, func() { t.Error("called although it was stopped") })
		if !stop() {
			t.Error("could not be stopped in time")
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := at.Sub(begin); got != time.Minute {
			t.Errorf("called after %v", got)
		}
	})
}
