package main

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/yroom/yroom"
	"github.com/yroom/yroom/event"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/memlayer"
)

// scraped returns a function that gathers the metrics of a worker with open rooms.
func scraped(t testing.TB, rooms int) (gather func()) {
	t.Helper()
	l := memlayer.New()
	m := newMetrics(slog.New(slog.DiscardHandler))
	w, err := yroom.NewWorker(yroom.Config{Layer: l, RoomsPerSecond: 1_000_000, WorkerEvents: m.workerEvents(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	m.readWorker(w.Stats)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	<-w.Served()
	front, err := l.Attach(layer.FrontHandler{Deliver: func([]layer.Output) {}, Lost: func(func(string) bool) {}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		front.Close()
	})
	for i := range rooms {
		if err := front.Send(layer.Input{Room: fmt.Sprintf("room-%d", i), Input: event.Input{Kind: event.InputJoin, Conn: event.ConnID(1 + i)}}); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Eventually(t, "all rooms are open", func() string {
		if s := w.Stats(); s.Open < rooms {
			return fmt.Sprintf("%+v", s)
		}
		return ""
	})
	return func() {
		if _, err := m.registry.Gather(); err != nil {
			t.Error(err)
		}
	}
}

// The metrics of 10,000 rooms cost as much as those of 10, and less than 10 ms.
func TestScrapeCost(t *testing.T) {
	testkit.SkipUnderRace(t)
	const runs = 20
	cost := func(gather func()) time.Duration {
		begin := testkit.CPUTime(t)
		for range runs {
			gather()
		}
		return (testkit.CPUTime(t) - begin) / runs
	}
	few, many := scraped(t, 10), scraped(t, 10_000)
	var ofFew, ofMany time.Duration
	for range 5 {
		ofFew, ofMany = cost(few), cost(many)
		if ofMany < 10*time.Millisecond && ofMany <= 2*ofFew {
			t.Logf("the metrics of 10 rooms take %v of CPU time, those of 10,000 rooms %v", ofFew, ofMany)
			return
		}
	}
	t.Errorf("the metrics of 10 rooms take %v of CPU time, those of 10,000 rooms %v", ofFew, ofMany)
}

func BenchmarkScrape(b *testing.B) {
	for _, rooms := range []int{10, 10_000} {
		b.Run(fmt.Sprintf("rooms=%d", rooms), func(b *testing.B) {
			gather := scraped(b, rooms)
			b.ReportAllocs()
			for b.Loop() {
				gather()
			}
		})
	}
}
