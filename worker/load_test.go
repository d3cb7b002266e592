package worker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/faulty"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
)

func TestInputsWaitForTheLoad(t *testing.T) {
	run(t, Settings{MailboxInputs: 3}, func(f *fixture) {
		if _, err := f.store.Store.Append(f.t.Context(), "a", store.Entry{Encoding: store.V1, Data: typed(7, 0)}); err != nil {
			t.Fatal(err)
		}
		gate := faulty.NewGate()
		f.store.Set(gate.Wait, faulty.Load)
		f.join("a", 1, 2)
		f.send("a", message(1, protocol.SyncStep1, []byte{0}))
		f.want()
		if err := f.trySend("a", event.Input{Kind: event.InputJoin, Conn: 3}); !errors.Is(err, layer.ErrFull) {
			t.Errorf("Send to a full room: %v", err)
		}
		f.leave("a", 2) // a Leave is always taken
		gate.Release <- nil
		f.want("a: 1 SyncStep1", "a: 1 SyncStep2")
		f.write("a", 1, typed(7, 0)) // the room has the update already
		f.want()
		f.wantStored("a", typed(7, 0))
	})
}

// When a server has started again, the clients of all rooms join at once. Each room is loaded
// once, and each client is answered once.
func TestManyJoinAtOnce(t *testing.T) {
	run(t, Settings{}, func(f *fixture) {
		const rooms, conns = 20, 100
		name := func(i int) string { return fmt.Sprint("room ", i%rooms) }
		for i := range rooms {
			if _, err := f.store.Store.Append(f.t.Context(), name(i), store.Entry{Encoding: store.V1, Data: typed(7, 0)}); err != nil {
				t.Fatal(err)
			}
		}
		for i := range rooms * conns {
			conn := event.ConnID(i + 1)
			f.join(name(i), conn)
			f.send(name(i), message(conn, protocol.SyncStep1, []byte{0}))
			f.send(name(i), message(conn, protocol.Awareness, testkit.Present(uint64(conn), 1, "{}")))
		}
		time.Sleep(time.Second)
		if n := f.calls(faulty.Load); n != rooms {
			t.Errorf("%d loads, want one for each of %d rooms", n, rooms)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		answers := make(map[string]int)
		for _, out := range f.outs {
			if strings.HasSuffix(out, "SyncStep2") {
				answers[out]++
			}
		}
		if len(answers) != rooms*conns {
			t.Errorf("%d connections were answered, want %d", len(answers), rooms*conns)
		}
		for out, n := range answers {
			if n > 1 {
				t.Errorf("%s was sent %d times", out, n)
			}
		}
	})
}

func TestLoadThatFails(t *testing.T) {
	damaged := func(f *fixture) {
		if _, err := f.store.Store.Append(f.t.Context(), "a", store.Entry{Encoding: store.V1, Data: []byte{1, 1, 1}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		name    string
		prepare func(*fixture)
		close   string
		log     string
	}{
		{"store", func(f *fixture) {
			f.store.Set(faulty.Fail(errFault), faulty.Load)
		}, "1013", "could not be loaded"},
		{"damage", damaged, "1013", "could not be loaded"},
		{"panic", func(f *fixture) {
			f.store.Set(func(context.Context, string) error { panic("loading") }, faulty.Load)
		}, "1011", "panic: loading"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			run(t, Settings{}, func(f *fixture) {
				tc.prepare(f)
				f.join("a", 1, 2)
				f.want("a: 1 Close "+tc.close, "a: 2 Close "+tc.close)
				if log := f.logged(); strings.Count(log, "\n") != 1 || !strings.Contains(log, "room=a") || !strings.Contains(log, tc.log) {
					t.Errorf("logged: %s", log)
				}
				f.write("a", 1, typed(7, 0))
				f.want()
				if n := f.calls(faulty.Append); n != 0 {
					t.Errorf("%d appends to a room that could not be loaded", n)
				}
				f.store.Set(nil, faulty.Load)
				f.rest()
				if tc.name != "damage" {
					f.pair("a")
				}
				f.logged()
			})
		})
	}
}

// A stored document is loaded whatever the limits are. Only new content is refused.
func TestStoredDocumentOverTheLimitLoads(t *testing.T) {
	for _, tc := range []struct {
		name  string
		store func(f *fixture)
	}{
		{"a lower limit", func(f *fixture) {
			for clock := range uint64(100) {
				if _, err := f.store.Store.Append(f.t.Context(), "a", store.Entry{Encoding: store.V1, Data: typed(7, clock)}); err != nil {
					f.t.Fatal(err)
				}
			}
		}},
		{"one entry", func(f *fixture) {
			updates := make([][]byte, 100)
			for clock := range updates {
				updates[clock] = typed(7, uint64(clock))
			}
			merged, err := blocks.Merge(blocks.V1, updates...)
			if err == nil {
				_, err = f.store.Store.Append(f.t.Context(), "a", store.Entry{Encoding: store.V1, Data: merged})
			}
			if err != nil {
				f.t.Fatal(err)
			}
		}},
		{"appends that were merged", func(f *fixture) {
			f.pair("a")
			gate := faulty.NewGate()
			f.store.Set(gate.Wait, faulty.Append)
			var accepted [][]byte
			for clock := uint64(0); len(f.closed()) == 0; clock++ {
				accepted = append(accepted, typed(7, clock))
				f.write("a", 1, typed(7, clock))
				synctest.Wait()
			}
			f.store.Set(nil, faulty.Append)
			gate.Release <- nil
			f.wantStored("a", accepted[:len(accepted)-1]...)
			f.leave("a", 1)
			f.leave("a", 2)
			time.Sleep(time.Minute)
			synctest.Wait()
			f.outs = nil
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var settings Settings
			settings.Room.Blocks.MaxSize = 700 // a client counts as some hundred bytes
			run(t, settings, func(f *fixture) {
				tc.store(f)
				before := f.calls(faulty.Load)
				f.pair("a")
				if n := f.calls(faulty.Load); n != before+1 {
					t.Fatalf("loaded %d times, want %d", n, before+1)
				}
				f.send("a", message(1, protocol.SyncStep1, []byte{0}))
				f.want("a: 1 SyncStep2")
				f.write("a", 1, typed(9, 0))
				f.want("a: 1 Close 1008")
				if log := f.logged(); log != "" {
					t.Errorf("logged: %s", log)
				}
			})
		})
	}
}
