package yroom_test

import (
	"strings"
	"testing"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/layer/memlayer"
)

func TestNewWorkerRefuses(t *testing.T) {
	bad := map[string]yroom.Settings{"a.b": {}}
	for want, cfg := range map[string]yroom.Config{
		"needs Config.Layer": {},
		`the key "a.b"`:      {Layer: memlayer.New(), Rooms: bad},
	} {
		if w, err := yroom.NewWorker(cfg); w != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v, want an error with %s", w, err, want)
		}
	}
}
