package cost_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
)

// mostForMetrics is the CPU time that metrics may cost, as a share of the server's without them.
const mostForMetrics = 0.03

// scrapeInterval is a fifth of what Prometheus has by default.
const scrapeInterval = 3 * time.Second

// pairsOfRound is how many pairs of runs a round has: the difference is smaller than that between two runs.
const pairsOfRound = 5

// BenchmarkMetrics compares yroom with a build of it that counts nothing. The metrics of the
// first are scraped.
func BenchmarkMetrics(b *testing.B) {
	with, without := testkit.Build(b), buildWithoutMetrics(b)
	for range b.N {
		var costs, ratios []float64
		for round := range pairsOfRound * *rounds {
			var cost [2]float64
			for i := range cost {
				k := (round + i) % 2
				server := start(b, keeping{program: []string{without, with}[k]}, "memory:")
				ctx, end := context.WithCancel(b.Context())
				if k == 1 {
					go scrape(ctx, b, "http://"+server.Host+"/metrics")
				}
				cost[k] = load(b, with, server, 0)["server_cpu_us_per_delivery"]
				end()
				server.Stop(b)
			}
			costs, ratios = append(costs, cost[1]), append(ratios, cost[1]/cost[0])
		}
		slices.Sort(costs)
		slices.Sort(ratios)
		b.Logf("%d rooms with %d people each; medians of %d pairs of runs of %v: %.2f µs a delivery with metrics\n%s", *rooms, *people, len(ratios), *span,
			costs[len(costs)/2], testkit.Verdict("CPU time with metrics, by that without", ratios[len(ratios)/2], 0, 1+mostForMetrics))
	}
}

// buildWithoutMetrics builds a yroom whose rooms, connections and stores count nothing.
func buildWithoutMetrics(b *testing.B) (program string) {
	b.Helper()
	serve, stores := "../../cmd/yroom/serve.go", "../../cmd/yroom/stores.go"
	return testkit.Build(b, testkit.Overlay(b, map[string]string{
		serve: testkit.Changed(b, serve,
			[2]string{"traces.consumer(metrics.consumerEvents())", "traces.consumer(consumer.Events{})"},
			[2]string{"traces.worker(metrics.workerEvents())", "traces.worker(worker.Events{})"},
			[2]string{"\t\"github.com/yroom/yroom/webhook\"\n", "\t\"github.com/yroom/yroom/webhook\"\n\t\"github.com/yroom/yroom/worker\"\n"}),
		stores: testkit.Changed(b, stores,
			[2]string{"\topened.rest = counts.counting(opened.rest)\n", ""}),
	}))
}

// scrape reads metrics until ctx ends.
func scrape(ctx context.Context, b *testing.B, url string) {
	b.Helper()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			b.Error(err)
			return
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			_, err = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil || response.StatusCode != http.StatusOK {
			b.Errorf("reading the metrics: %v, %v", response, err)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(scrapeInterval):
		}
	}
}
