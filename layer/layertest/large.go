package layertest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// carryLarge checks that updates of up to 200 MiB, which is about as large as a document
// may be, arrive in both directions.
func carryLarge(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	f := w.attach(t)
	rnd := rand.NewChaCha8([32]byte{})
	for i, size := range []int{1 << 20, 17 << 20, 200 << 20} {
		if size > 100<<20 && testing.Short() {
			t.Logf("an update of %d MiB is not tested with -short", size>>20)
			continue
		}
		want := make([]byte, size)
		_, _ = rnd.Read(want) // never fails
		in := layer.Input{Room: name, Input: event.Input{
			Kind: event.InputRequest, Conn: 1, Request: &event.Request{Kind: event.RequestApply, Update: want},
		}}
		send(t, f, in)
		waitLonger(t, fmt.Sprintf("an input of %d MiB arrives", size>>20), func() bool { return len(w.ins.all()) == i+1 })
		arrived := w.ins.all()[i].Request.Update
		w.ins.clear(i)
		if !bytes.Equal(arrived, want) {
			t.Fatalf("an input of %d MiB arrived with other content", size>>20)
		}
		w.Deliver([]layer.Output{{Room: name, To: f.address, Output: event.Output{
			Kind: event.OutputMessage, To: 1, Message: protocol.Message{Type: protocol.SyncStep2, Data: arrived},
		}}})
		waitLonger(t, fmt.Sprintf("an output of %d MiB arrives", size>>20), func() bool { return len(f.outs.all()) == i+1 })
		if !bytes.Equal(f.outs.all()[i].Message.Data, want) {
			t.Fatalf("an output of %d MiB arrived with other content", size>>20)
		}
		f.outs.clear(i)
	}
}
