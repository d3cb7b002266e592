package consumer

import (
	"testing"
	"testing/synctest"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/protocol"
)

// fill admits the client to the document "a", denies it "b", and sends as many frames for
// "b" as may wait for a token.
func (p provider) fill() {
	p.t.Helper()
	p.put("a", auth("in"))
	p.get("a", bodyWrites)
	p.put("b", auth("no"))
	p.get("b", denied("not in"))
	for range mostQueued {
		p.send(ws.OpBinary, p.frame("b", bodyUpdate))
	}
	synctest.Wait()
}

// Tokens are read even if the frames of a document that the client may not open fill the
// queue.
func TestHocuspocusTokensPastTheLimit(t *testing.T) {
	for name, f := range map[string]func(p provider){
		"of an open document": func(p provider) {
			p.put("a", auth("no"))
			p.get("a", denied("not in"))
			p.get("a", closed("not in"))
			p.close()
		},
		"of another": func(p provider) {
			p.put("c", auth("in"))
			p.get("c", bodyWrites)
			p.close()
		},
		"of the document": func(p provider) {
			p.send(ws.OpBinary, p.frame("b", auth("in")))
			p.wantClose(protocol.CloseReset, "Reset Connection")
		},
	} {
		t.Run(name, func(t *testing.T) {
			withProvider(t, withTokens, func(_ *testing.T, _ *harness, p provider) {
				p.fill()
				f(p)
			})
		})
	}
}
