package differential

import (
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// oracle is a node process that runs oracle.mjs with yjs.
type oracle struct{ *testkit.Node }

// patience is the time limit of one answer: more than any answer takes, and less than
// the time limit of a test.
const patience = 3 * time.Minute

// startOracle starts an oracle that ends with the test.
func startOracle(t *testing.T) *oracle {
	t.Helper()
	testkit.RequireNode(t, "..", "yjs")
	o := &oracle{testkit.StartNode(t, "oracle.mjs")}
	t.Cleanup(func() { o.End(t) })
	return o
}

// ask sends a request and decodes the answer.
func (o *oracle) ask(t *testing.T, request, answer any) {
	t.Helper()
	o.Ask(t, patience, request, answer)
}
