package consumer

import (
	"bytes"
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/worker"
)

// The holder of a client id, the one that claims it, and the worker are in different
// processes.
func TestClaimFromAnotherProcess(t *testing.T) {
	broker := membus.New(layertest.Faults{})
	l := membus.NewApart(t, func(name string) *buslayer.Layer {
		return buslayer.New(broker.Connect(), buslayer.Config{Name: name, Logger: testkit.Logger(t)})
	}, nil)
	w := worker.New(worker.Config{Layer: l, Store: memstore.New(), Logger: testkit.Logger(t)})
	ended := make(chan error, 1)
	go func() { ended <- w.Run(t.Context()) }()
	t.Cleanup(func() {
		if err := <-ended; err != nil { // the context of the test has ended
			t.Error(err)
		}
	})
	var urls []string
	for range 2 {
		c, err := New(Config{Layer: l, Logger: testkit.Logger(t)})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(c)
		t.Cleanup(func() {
			if err := c.Shutdown(context.Background()); err != nil {
				t.Error(err)
			}
			server.Close()
		})
		urls = append(urls, server.URL+"/doc")
	}

	present := func(clock uint64, state string) []byte { return testkit.Awareness(testkit.Present(7, clock, state)) }
	holder := wsclient.Connect(t, urls[0], nil)
	watcher := wsclient.Connect(t, urls[0], nil)
	holder.MustSend(t, present(1, `"ann"`))
	watcher.MustAwait(t, present(1, `"ann"`))
	claimant := wsclient.Connect(t, urls[1], nil)
	begin := time.Now()
	claimant.MustSend(t, present(2, `"new"`))
	for { // the holder is pinged
		op, _, err := holder.Read()
		if err != nil {
			t.Fatal(err)
		}
		if op == ws.OpPing {
			break
		}
	}
	// It doesn't answer.
	for {
		op, frame, err := watcher.Read()
		if err != nil {
			t.Fatal(err)
		}
		if op == ws.OpBinary && bytes.Equal(frame, present(2, `"new"`)) {
			break
		}
		if op == ws.OpBinary && frame[0] == 1 && !bytes.Equal(frame, present(1, `"ann"`)) {
			t.Errorf("the watcher received %q", frame)
		}
	}
	if after := time.Since(begin); after < probeWait {
		t.Errorf("the claimant has the client id after %v", after)
	}
	// The claimant answers, so the client id isn't taken from it.
	go func() {
		for op, payload, err := claimant.Read(); err == nil; op, payload, err = claimant.Read() {
			if op == ws.OpPing {
				_ = claimant.Write(wsclient.Frame(ws.OpPong, true, payload))
			}
		}
	}()
	holder.MustSend(t, present(3, `"old"`))
	time.Sleep(probeWait + time.Second)
	claimant.MustSend(t, present(3, `"newer"`))
	watcher.MustAwait(t, present(3, `"newer"`))
}
