package layertest

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/yroom/yroom/layer"
)

func joinNames(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	names := []string{
		"a", "A", " a", "a ", "a.b", "a:b", "a/b", "a*", "a?", "[a]", "a>", "*", ">", "?", "{a}", "a\n", "a\x00", "\x00",
		"á", "a\u0301", "🙂", "%61", strings.Repeat("a", 254), strings.Repeat("a", 255), strings.Repeat("é", 127),
	}
	consumers := make([]*consumer, len(names))
	for i, name := range names {
		consumers[i] = w.attach(t, name)
	}
	for i, name := range names {
		deliver(t, l, output(name, "", "for "+name), output(name, consumers[i].address, "end"))
	}
	for i, name := range names {
		wantOuts(t, consumers[i], "for "+name, "end")
		send(t, consumers[i], input(name, 1, i))
	}
	waitUntil(t, "all inputs have come", func() bool { return len(w.ins.all()) >= len(names) })
	for _, in := range w.ins.all() {
		if i, err := strconv.Atoi(string(in.Msg.Data)); err != nil || in.Room != names[i] {
			t.Errorf("the input %q came for room %q", in.Msg.Data, in.Room)
		}
	}
}

func joinTwice(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c := w.attach(t, name, name)
	deliver(t, l, output(name, "", "once"), output(name, c.address, "end"))
	wantOuts(t, c, "once", "end")
	if err := c.Leave(name); err != nil {
		t.Fatalf("Leave: %v", err)
	}
	deliver(t, l, output(name, "", "never"), output(name, c.address, "end"))
	wantOuts(t, c, "once", "end", "end")
}

func joinWhileDelivering(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c := w.attach(t, name)
	guests := []*consumer{w.attach(t), w.attach(t)}
	done := make(chan struct{})
	var visiting sync.WaitGroup
	for _, guest := range guests {
		visiting.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := errors.Join(guest.Join(name), guest.Leave(name)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var want []string
	for i := range 500 {
		want = append(want, strconv.Itoa(i))
		deliver(t, l, output(name, "", want[i]))
	}
	close(done)
	visiting.Wait()
	wantOuts(t, c, want...)
	for _, guest := range guests {
		last := -1
		for _, out := range guest.outs.all() {
			i, err := strconv.Atoi(string(out.Msg.Data))
			if err != nil || i <= last {
				t.Fatalf("%q came after %d", out.Msg.Data, last)
			}
			last = i
		}
	}
}

func leaveEnds(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t, name, name+"2"), w.attach(t, name)
	if err := c.Leave(name); err != nil {
		t.Fatalf("Leave: %v", err)
	}
	deliver(t, l, output(name, "", "to d"), output(name, c.address, "end"))
	wantOuts(t, c, "end")
	wantOuts(t, d, "to d")
	deliver(t, l, output(name+"2", "", "to c"))
	wantOuts(t, c, "end", "to c")
	if err := c.Join(name); err != nil {
		t.Fatalf("Join: %v", err)
	}
	deliver(t, l, output(name, "", "to both"))
	wantOuts(t, c, "end", "to c", "to both")
	wantOuts(t, d, "to d", "to both")
}

func leaveUnjoined(t *testing.T, l layer.Layer) {
	w := serve(t, l, nil)
	c, d := w.attach(t), w.attach(t, name)
	if err := c.Leave(name); err != nil {
		t.Fatalf("Leave: %v", err)
	}
	deliver(t, l, output(name, "", "to d"))
	wantOuts(t, d, "to d")
}
