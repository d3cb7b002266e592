package load_test

import (
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/load"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/proxy"
)

// People who stay come back after each end of their connections, with what they have typed
// meanwhile.
func TestStay(t *testing.T) {
	for dialect, url := range serve(t) {
		t.Run(string(dialect), func(t *testing.T) {
			_, rest, _ := strings.Cut(url, "://")
			host, path, _ := strings.Cut(rest, "/")
			networks := []*proxy.Proxy{proxy.Start(t, host), proxy.Start(t, host)}
			target := load.Target{Dialect: dialect}
			for _, n := range networks {
				target.URLs = append(target.URLs, "ws://"+n.Addr()+"/"+path)
			}
			const people = 6
			typing, err := load.JoinTyping(t.Context(), target, load.Shape{Rooms: 2, People: people / 2, Writers: people / 2, Stay: true})
			if err != nil {
				t.Fatal(err)
			}
			defer typing.Leave()
			typed, err := typing.TypeWhile(50, func() error {
				for _, n := range networks {
					n.Cut()
				}
				testkit.Eventually(t, "all are away", func() string {
					if typing.Away() < people {
						return "not all"
					}
					return ""
				})
				time.Sleep(100 * time.Millisecond) // they type on
				networks[1].Resume()
				testkit.Eventually(t, "all are back", func() string {
					if typing.Away() > 0 {
						return "not all"
					}
					return ""
				})
				networks[0].Resume()
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if n := typed.Returns(); n != people {
				t.Errorf("people came back %d times, want %d", n, people)
			}
			if longest := typed.Back(1); longest < 100*time.Millisecond || longest > testkit.Patience {
				t.Errorf("the last one came back after %v", longest)
			}
			if err := typing.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// People who stay find out what a server loses, and a server that refuses them.
func TestStayFindsFaults(t *testing.T) {
	stay := func(t *testing.T, s *relay) error {
		t.Helper()
		target := load.Target{URLs: []string{s.serve(t)}, Patience: 500 * time.Millisecond}
		typing, err := load.JoinTyping(t.Context(), target, load.Shape{Rooms: 1, People: 3, Writers: 2, Stay: true})
		if err != nil {
			t.Fatal(err)
		}
		defer typing.Leave()
		_, err = typing.TypeWhile(50, func() error { time.Sleep(400 * time.Millisecond); return nil })
		return err
	}
	wantError(t, stay(t, &relay{deliver: losing()}), "don't have the same document", "lacks letter")
	wantError(t, stay(t, &relay{deliver: func(n, _ int, update []byte) [][]byte {
		if n == 10 {
			update = update[:len(update)-2]
		}
		return [][]byte{update}
	}}), "can't be read")
}
