package load_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"

	"github.com/yroom/yroom/internal/load"
)

// short is a fan-out that takes little time.
func short() load.FanOut {
	return load.FanOut{Shape: load.Shape{Rooms: 1, People: 3, Writers: 2}, Rate: 50, Span: 400 * time.Millisecond}
}

// measure runs a scenario against a server at an address.
func measure(t *testing.T, s interface {
	Run(ctx context.Context, target load.Target) (*load.Report, error)
}, url string,
) (*load.Report, error) {
	t.Helper()
	return s.Run(t.Context(), load.Target{URLs: []string{url}, Patience: 500 * time.Millisecond})
}

func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one with %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error is %q, want one with %q", err, w)
		}
	}
}

// A server that does what it should passes, whatever it sends twice or in another order.
func TestRightDeliveries(t *testing.T) {
	var held []byte
	target := -1
	for name, deliver := range map[string]func(n, to int, update []byte) [][]byte{
		"once":  nil,
		"twice": func(_, _ int, update []byte) [][]byte { return [][]byte{update, update} },
		"out of order": func(n, to int, update []byte) [][]byte {
			switch {
			case n >= 10 && target < 0:
				held, target = update, to
				return nil
			case n >= 15 && target == to && held != nil:
				both := [][]byte{update, held}
				held = nil
				return both
			}
			return [][]byte{update}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &relay{deliver: deliver}
			r, err := measure(t, short(), s.serve(t))
			if err != nil {
				t.Fatal(err)
			}
			edits, _ := r.Figure("edits")
			deliveries, _ := r.Figure("deliveries")
			if edits < 5 || deliveries < edits || deliveries > 2*edits+4 {
				t.Errorf("%v edits and %v deliveries, want twice as many deliveries as edits", edits, deliveries)
			}
		})
	}
}

// losing returns a relay.deliver that loses one delivery.
func losing() func(n, to int, update []byte) [][]byte {
	lost := false
	return func(n, _ int, update []byte) [][]byte {
		if n >= 10 && !lost {
			lost = true
			return nil
		}
		return [][]byte{update}
	}
}

// A server that loses or changes something is found out.
func TestWrongDeliveries(t *testing.T) {
	for name, c := range map[string]struct {
		server *relay
		says   []string
	}{
		"an update is lost": {
			&relay{deliver: losing()},
			[]string{"don't have the same document", "lacks letter"},
		},
		"a letter is changed": {
			&relay{deliver: func(n, _ int, update []byte) [][]byte {
				if n == 10 {
					update = bytes.Clone(update)
					update[len(update)-2]++
				}
				return [][]byte{update}
			}},
			[]string{"that no client of this program has made"},
		},
		"an update is cut": {
			&relay{deliver: func(n, _ int, update []byte) [][]byte {
				if n == 10 {
					update = update[:len(update)-2]
				}
				return [][]byte{update}
			}},
			[]string{"can't be read"},
		},
		"a newcomer is sent nothing": {
			&relay{answer: func([]byte) []byte { return []byte{0, 0} }},
			[]string{"a client that joins now is not sent the whole document", "lacks letter 0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := measure(t, short(), c.server.serve(t))
			wantError(t, err, c.says...)
		})
	}
}

// In a closed loop, a lost update stops its author, and is found out too.
func TestLossInClosedLoop(t *testing.T) {
	s := &relay{deliver: losing()}
	loop := short()
	loop.Rate = 0
	_, err := measure(t, loop, s.serve(t))
	wantError(t, err, "don't have the same document", "lacks letter")
}

// What a server says when it refuses or closes a connection is in the error.
func TestServerErrors(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		says    []string
	}{
		"refused": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no token", http.StatusUnauthorized) },
			[]string{"401 Unauthorized", "no token"},
		},
		"busy": {
			func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "later", http.StatusServiceUnavailable) },
			[]string{"503", "later"},
		},
		"closed": {
			func(w http.ResponseWriter, r *http.Request) {
				conn, _, _, err := ws.UpgradeHTTP(r, w)
				if err == nil {
					_ = ws.WriteFrame(conn, ws.NewCloseFrame(ws.NewCloseFrameBody(1008, "too many clients")))
				}
			},
			[]string{"the code 1008", "too many clients"},
		},
		"silent": {
			func(w http.ResponseWriter, r *http.Request) { _, _, _, _ = ws.UpgradeHTTP(r, w) },
			[]string{"only 0 of 3 clients have received a SyncStep2"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			_, err := measure(t, short(), server.URL)
			wantError(t, err, c.says...)
		})
	}
}

// An interrupt ends a scenario with what was measured.
func TestInterrupt(t *testing.T) {
	s := &relay{}
	url := s.serve(t)
	ctx, cancel := context.WithCancel(t.Context())
	long := short()
	long.Span = time.Hour
	s.deliver = func(n, _ int, update []byte) [][]byte {
		if n == 20 {
			cancel()
		}
		return [][]byte{update}
	}
	r, err := long.Run(ctx, load.Target{URLs: []string{url}})
	if !errors.Is(err, load.ErrInterrupted) {
		t.Fatalf("the error is %v, want that of an interrupt", err)
	}
	if n, _ := r.Figure("deliveries"); n < 20 {
		t.Errorf("%v deliveries are reported, want those before the interrupt", n)
	}
}
