package consumer

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/outbox"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
)

// offer delivers an offer of a SyncStep2.
func (w *fakeWorker) offer(to event.ConnID, seq uint64, size int, whole bool) {
	w.deliver([]layer.Output{{Room: "doc", To: consumerAddress, Output: event.Output{
		Kind: event.OutputOffer, To: to, Mark: event.Mark{Epoch: w.epoch, Seq: seq}, Size: size, Whole: whole,
		Message: protocol.Message{Type: protocol.SyncStep2, Data: []byte{0}},
	}}})
}

// whole delivers a whole document.
func (w *fakeWorker) whole(to event.ConnID, seq uint64, data []byte) {
	w.deliver([]layer.Output{{Room: "doc", To: consumerAddress, Output: event.Output{
		Kind: event.OutputMessage, To: to, Mark: event.Mark{Epoch: w.epoch, Seq: seq}, Whole: true,
		Message: protocol.Message{Type: protocol.SyncStep2, Data: data},
	}}})
}

// asked returns the connections that have sent a SyncStep1, by ascending id, with its
// Most, and forgets them.
func (w *fakeWorker) asked() (conns []event.ConnID, most []int) {
	synctest.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, in := range w.inputs {
		if in.Kind == event.InputMessage && in.Message.Type == protocol.SyncStep1 {
			conns, most = append(conns, in.Conn), append(most, in.Most)
		}
	}
	w.inputs = nil
	slices.Sort(conns)
	return conns, most
}

// skip reads and drops messages until one has at least n bytes, and returns that.
func (c *client) skip(n int) []byte {
	c.t.Helper()
	for {
		if _, message := c.read(); len(message) >= n {
			return message
		}
	}
}

const answerSize = 100 << 10 // several times what the outboxes of these tests hold

var answerConfig = Config{
	AnswerMemory: 3 * answerSize,
	Settings:     func(string) Settings { return Settings{OutboxSize: 16 << 10} },
}

// Answers that can't be shared wait for their turn, in order.
func TestAnswersTakeTurns(t *testing.T) {
	withHarness(t, answerConfig, func(t *testing.T, h *harness) {
		var clients []*client
		var ids []event.ConnID
		for range 6 {
			c, id := h.join("/doc")
			clients, ids = append(clients, c), append(ids, id)
			c.send(ws.OpBinary, testkit.SyncStep1([]byte{0}))
		}
		if _, most := h.worker.asked(); !slices.Equal(most, []int{8 << 10, 8 << 10, 8 << 10, 8 << 10, 8 << 10, 8 << 10}) {
			t.Fatalf("each client asked with %v", most)
		}
		for _, id := range ids {
			h.worker.offer(id, 1, answerSize, false)
		}
		asked, most := h.worker.asked()
		if !slices.Equal(asked, slices.Sorted(slices.Values(ids[:3]))) || !slices.Equal(most, []int{answerSize, answerSize, answerSize}) {
			t.Fatalf("%v asked with %v, want %v", asked, most, ids[:3])
		}
		for i := range 3 {
			h.worker.output("doc", ids[i], 1, protocol.Message{Type: protocol.SyncStep2, Data: make([]byte, answerSize)})
		}
		// One client leaves while it waits, and another reads.
		_ = clients[3].Close()
		synctest.Wait()
		if asked, _ := h.worker.asked(); len(asked) > 0 {
			t.Fatalf("%v asked while all is taken", asked)
		}
		clients[1].skip(answerSize)
		if asked, _ := h.worker.asked(); !slices.Equal(asked, ids[4:5]) {
			t.Fatalf("%v asked, want %v", asked, ids[4:5])
		}
		// What a connection leaves behind is free.
		_ = clients[0].Close()
		if asked, _ := h.worker.asked(); !slices.Equal(asked, ids[5:6]) {
			t.Fatalf("%v asked, want %v", asked, ids[5:6])
		}
		for _, c := range clients {
			_ = c.Close()
		}
		synctest.Wait()
		if a := h.answers; a.used != 0 || len(a.grants)+len(a.shares)+len(a.waiting)+len(a.needs) > 0 {
			t.Errorf("%d bytes are taken when all connections have ended: %+v", a.used, a)
		}
	})
}

// A whole document that one connection was sent is sent to all others that wait for it,
// though it comes from another process and only once. A connection that lacks newer
// updates then asks for them, and gets a SyncStep2 once it has been sent these.
func TestWholeDocumentsAreShared(t *testing.T) {
	withHarness(t, answerConfig, func(t *testing.T, h *harness) {
		var clients []*client
		var ids []event.ConnID
		for i := range 50 {
			c, id := h.join("/doc")
			clients, ids = append(clients, c), append(ids, id)
			c.send(ws.OpBinary, testkit.SyncStep1([]byte{0}))
			synctest.Wait()
			h.worker.offer(id, uint64(1+i/49), answerSize, true) // to the last one at a newer Mark
		}
		if asked, _ := h.worker.asked(); len(asked) != 50+3 {
			t.Fatalf("%d SyncStep1 were sent, want 50 and 3", len(asked))
		}
		document := bytes.Repeat([]byte("x"), answerSize)
		for _, id := range ids[:3] {
			h.worker.whole(id, 1, bytes.Clone(document))
		}
		synctest.Wait()
		if used := h.answers.used; used != answerSize {
			t.Errorf("%d bytes are taken, want %d", used, answerSize)
		}
		for i, c := range clients {
			want := byte(1) // a SyncStep2
			if i == 49 {
				want = 2 // an Update
			}
			if m := c.skip(answerSize); m[1] != want {
				t.Errorf("client %d gets the document in a message %d, want %d", i, m[1], want)
			}
		}
		synctest.Wait()
		if asked, _ := h.worker.asked(); len(asked) > 0 {
			t.Errorf("%v asked for the document again", asked)
		}
		if got := strings.Count(h.worker.lines(), "resync 1.1"); got != 1 {
			t.Errorf("%d connections asked for what was added after 1.1, want the last one\n%s", got, h.worker.lines())
		}
		h.worker.output("doc", ids[49], 2, protocol.Message{Type: protocol.Update, Data: []byte("added")})
		clients[49].want("000205" + hex.EncodeToString([]byte("added")))
		clients[49].want("0001020000")
	})
}

// A client that reads a large answer a little at a time is cut off once others wait.
func TestAnswersAreReadSoon(t *testing.T) {
	config := answerConfig
	config.AnswerMemory = 1
	withHarness(t, config, func(t *testing.T, h *harness) {
		slow, id := h.join("/doc")
		slow.send(ws.OpBinary, testkit.SyncStep1([]byte{0}))
		synctest.Wait()
		h.worker.offer(id, 1, 100*answerSize, false)
		synctest.Wait()
		h.worker.output("doc", id, 1, protocol.Message{Type: protocol.SyncStep2, Data: make([]byte, 100*answerSize)})
		read := func(minutes int) (err error) {
			for end := time.Now().Add(time.Duration(minutes) * time.Minute); err == nil && time.Now().Before(end); {
				err = slow.Skip(writeStep)
				_ = slow.Write(wsclient.Frame(ws.OpPing, true, nil))
				time.Sleep(20 * time.Second)
			}
			return err
		}
		if err := read(10); err != nil {
			t.Fatalf("a slow client was cut off though no one waits: %v", err)
		}
		other, id := h.join("/doc")
		other.send(ws.OpBinary, testkit.SyncStep1([]byte{0}))
		synctest.Wait()
		h.worker.asked()
		h.worker.offer(id, 1, answerSize, false)
		if err := read(3); err == nil {
			t.Error("a slow client keeps another one waiting for ever")
		}
		if asked, _ := h.worker.asked(); !slices.Equal(asked, []event.ConnID{id}) {
			t.Errorf("%v asked, want %v", asked, id)
		}
		if !strings.Contains(h.logs.String(), "too slowly") {
			t.Errorf("the log doesn't say why:\n%s", h.logs)
		}
	})
}

// An answer is free once it is written, also if its connection always has something else
// to write.
func TestAnswersOfABusyConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const size = 1000
		a := newAnswers(2 * size)
		busy, other := &Conn{}, &Conn{}
		if ok, _ := a.reserve(busy, size); !ok {
			t.Fatal("an answer waits though nothing is taken")
		}
		answer := &outbox.Frame{Body: make([]byte, size)}
		a.hold(busy, answer.Body)
		a.reserve(busy, size)
		if ok, _ := a.reserve(other, size); ok {
			t.Fatal("more was reserved than there is")
		}
		time.Sleep(2 * answerTime)
		a.giveUp(busy) // it needs no other one
		if a.used != size {
			t.Errorf("%d bytes are taken, want those of the answer that is being written", a.used)
		}
		if late := a.overdue(time.Now()); !slices.Equal(late, []*Conn{busy}) {
			t.Errorf("%v are overdue, want the connection that is being written to", late)
		}
		if !a.wrote(busy, []*outbox.Frame{{Head: []byte{1}}, answer}) || a.wrote(busy, []*outbox.Frame{answer}) {
			t.Error("the answer was not freed once")
		}
		if late := a.overdue(time.Now()); len(late) > 0 {
			t.Error("a connection whose answer is written is overdue")
		}
		a.release(other)
		if a.used != 0 || len(a.grants)+len(a.shares)+len(a.waiting)+len(a.needs) > 0 {
			t.Errorf("%d bytes are taken at the end: %+v", a.used, a)
		}
	})
}

// A client that doesn't read gets one answer to its queries, and another one when it
// has read that.
func TestQueriesWaitForTheClient(t *testing.T) {
	withHarness(t, Config{}, func(t *testing.T, h *harness) {
		c, id := h.join("/doc")
		queries := func() int {
			synctest.Wait()
			return strings.Count(h.worker.lines(), "message 5")
		}
		c.send(ws.OpBinary, []byte{3})
		if got := queries(); got != 1 {
			t.Fatalf("%d queries were sent, want 1\n%s", got, h.worker.lines())
		}
		states := testkit.Present(1, 1, `"`+strings.Repeat("x", 10<<10)+`"`)
		h.worker.output("doc", id, 0, protocol.Message{Type: protocol.Awareness, Data: states})
		for range 100 {
			c.send(ws.OpBinary, []byte{3})
		}
		if got := queries(); got != 1 {
			t.Errorf("%d queries were sent of a client that doesn't read, want 1", got)
		}
		c.skip(len(states))
		if got := queries(); got != 2 {
			t.Errorf("%d queries were sent after it has read, want 2", got)
		}
	})
}
