package layertest

import (
	"testing"
	"time"

	"github.com/yroom/yroom/layer/memlayer"
)

// TestSilentLossIsFound checks the suite itself: on a layer that loses messages
// and doesn't report it, the ends differ.
func TestSilentLossIsFound(t *testing.T) {
	for range 5 {
		l := Inject(memlayer.New(), Faults{Lose: 10})
		l.silent = true
		if heal(t, l, l.Stop, false, false, 100*time.Millisecond) != "" {
			return
		}
	}
	t.Error("the ends agree although losses were not reported")
}
