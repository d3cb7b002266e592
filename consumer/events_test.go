package consumer

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/protocol"
)

// A panic in a function of Events is logged, and no connection notices it.
func TestEventsPanic(t *testing.T) {
	cfg := Config{Events: Events{
		Connected: func(*Conn) { panic("Connected") },
		Refused:   func(*http.Request, int, Refusal) { panic("Refused") },
		Behind:    func(*Conn) { panic("Behind") },
		Resynced:  func(*Conn) { panic("Resynced") },
		Rejoined:  func(*Conn) { panic("Rejoined") },
		Closed:    func(*Conn, protocol.CloseError) { panic("Closed") },
	}}
	withHarness(t, cfg, func(t *testing.T, h *harness) {
		c, id := h.synced("/doc", "doc", 10, nil)
		h.worker.output("doc", event.Everyone, 12, update(12)) // 11 is missing
		synctest.Wait()
		h.worker.output("doc", id, 12, update(11))
		c.want("0002010b")
		h.worker.outputRejoin("doc", id)
		synctest.Wait()
		h.worker.output("doc", id, 12, protocol.Message{Type: protocol.SyncStep2, Data: []byte{12}})
		c.want("0001010c")
		c.close()
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/doc", nil))
		synctest.Wait()
		for _, name := range []string{"Connected", "Refused", "Behind", "Resynced", "Rejoined", "Closed"} {
			if !strings.Contains(h.logs.String(), "panic="+name) {
				t.Errorf("the panic of %s is not logged", name)
			}
		}
	})
}
