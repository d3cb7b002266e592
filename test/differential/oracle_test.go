package differential

import (
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// oracle is a node process that has yjs.
type oracle struct{ *testkit.Node }

// patience bounds one answer: more than any takes, less than a test's time.
const patience = 3 * time.Minute

func startOracle(t *testing.T) *oracle {
	t.Helper()
	testkit.RequireNode(t, "..", "yjs")
	o := &oracle{testkit.StartNode(t, "oracle.mjs")}
	t.Cleanup(func() { o.End(t) })
	return o
}

// ask sends a request and reads the answer to it.
func (o *oracle) ask(t *testing.T, request, answer any) {
	t.Helper()
	o.Ask(t, patience, request, answer)
}
