package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/google/go-cmp/cmp"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/layer/djangolayer"
	"github.com/yroom/yroom/protocol"
	"github.com/yroom/yroom/store"
	"github.com/yroom/yroom/store/memstore"
	"github.com/yroom/yroom/store/sqlitestore"
	"github.com/yroom/yroom/webhook"
	"github.com/yroom/yroom/worker"
)

// everything is the metrics of a process with all parts.
type everything struct {
	*metrics

	conns  consumer.Events
	rooms  worker.Events
	stored *storeMetrics
}

func allMetrics(t *testing.T) everything {
	t.Helper()
	m := newMetrics(testkit.Logger(t))
	m.readHealth(&health{layer: memoryLayer{}})
	m.readConsumer(func() consumer.Stats { return consumer.Stats{} })
	m.readWorker(func() worker.Stats { return worker.Stats{} })
	m.readLayer(func() linkStats { return linkStats{} })
	m.readDjango(func() djangolayer.Stats { return djangolayer.Stats{} })
	m.readWebhooks([]webhook.Hook{{Name: "search"}}, func() []webhook.Stats { return nil })
	m.countAPI(http.NotFoundHandler())
	return everything{metrics: m, conns: m.consumerEvents(), rooms: m.workerEvents(), stored: m.stores()}
}

// The tables of metrics in docs/operations.md have every metric, each once.
func TestTablesOfMetrics(t *testing.T) {
	families, err := allMetrics(t).registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range families {
		if strings.HasPrefix(f.GetName(), "yroom_") {
			want = append(want, f.GetName())
		}
	}
	var got []string
	page, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, rest := range strings.Split(string(page), "\n| metric |")[1:] {
		for _, row := range rowsOf(rest) {
			got = append(got, row[0])
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-there are, +in the tables):\n%s", diff)
	}
}

// Nothing that is counted for an edit allocates.
func TestMetricsAllocateNothing(t *testing.T) {
	testkit.SkipUnderRace(t)
	m := allMetrics(t)
	counting := m.stored.counting(discarding{})
	entry := store.Entry{Data: []byte("update")}
	for what, f := range map[string]func(){
		"a turn": func() { m.rooms.Turn(worker.TurnInfo{Room: "room", Inputs: 3, Added: 30, Duration: time.Millisecond}) },
		"an append": func() {
			m.rooms.Appended(worker.AppendInfo{Room: "room", Turns: 2, Bytes: 60, Duration: time.Millisecond})
		},
		"a commit": func() { m.stored.files.Committed(sqlitestore.Commit{Changes: 3, Took: time.Millisecond}) },
		"a store":  func() { _, _ = counting.Append(t.Context(), "room", entry) },
		"a close":  func() { m.conns.Closed(nil, protocol.CloseError{Code: 4999}) },
		"a resync": func() { m.conns.Behind(nil); m.conns.Resynced(nil) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s makes %v allocations", what, n)
		}
	}
}

// discarding is a store that takes everything.
type discarding struct{ *memstore.Store }

func (discarding) Append(ctx context.Context, _ string, _ store.Entry) (store.Position, error) {
	return 1, nil
}

// figures are the values of the metrics by their series, such as
// yroom_connections{dialect="plain"}.
type figures map[string]float64

// figuresAt returns the metrics at an address.
func figuresAt(t *testing.T, url string, header http.Header) figures {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s (%v)", url, resp.StatusCode, body, err)
	}
	all := figures{}
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndex(line, " ")
		series, value := line[:at], strings.TrimSpace(line[at:])
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		all[series] = number
	}
	return all
}

// sum returns the sum of all series of a metric.
func (f figures) sum(name string) (sum float64) {
	for series, value := range f {
		if series == name || strings.HasPrefix(series, name+"{") {
			sum += value
		}
	}
	return sum
}

// typist is a client that counts what it sends and receives.
type typist struct {
	*wsclient.Client

	t                              *testing.T
	sent, sentBytes, got, gotBytes int
}

func (c *typist) send(messages ...[]byte) {
	c.t.Helper()
	c.MustSend(c.t, messages...)
	for _, m := range messages {
		c.sent, c.sentBytes = c.sent+1, c.sentBytes+len(m)
	}
}

// await reads up to the message want.
func (c *typist) await(want []byte) {
	c.t.Helper()
	for {
		op, m, err := c.Read()
		if err != nil {
			c.t.Fatal(err)
		}
		if op != ws.OpBinary {
			continue
		}
		c.got, c.gotBytes = c.got+1, c.gotBytes+len(wsclient.Frame(op, true, m))-4 // which has no mask
		if bytes.Equal(m, want) {
			return
		}
	}
}

// The metrics agree with what clients have sent and received, and how they were refused
// and closed. After a restart they begin at 0.
func TestMetricsAddUp(t *testing.T) {
	dir := t.TempDir()
	s := startIn(t, dir)
	metrics := func() figures { return figuresAt(t, "http://"+s.Host+"/metrics", nil) }
	var clients []*typist
	for i := range 3 {
		c := &typist{Client: wsclient.Connect(t, s.URL("notes"), nil), t: t}
		c.await(emptyStep1)
		c.send(testkit.SyncStep1([]byte{0}))
		c.await(testkit.SyncStep2([]byte{0, 0}))
		clients = append(clients, c)
		present := testkit.Awareness(testkit.Present(uint64(1+i), 1, "{}"))
		c.send(present)
		for _, other := range clients {
			other.await(present)
		}
	}
	const edits = 20
	stored := 0
	for clock := range uint64(edits) {
		for i, c := range clients {
			update := testkit.Typed(uint64(100+i), clock, "a")
			stored += len(update)
			c.send(testkit.Update(update))
			for _, other := range clients {
				other.await(testkit.Update(update))
			}
		}
	}
	var sum typist
	for _, c := range clients {
		sum.sent, sum.sentBytes, sum.got, sum.gotBytes = sum.sent+c.sent, sum.sentBytes+c.sentBytes, sum.got+c.got, sum.gotBytes+c.gotBytes
	}

	for _, refused := range []struct {
		path, origin string
		status       int
	}{{"notes", "https://evil.example", 403}, {"%20", "", 400}, {"%20", "", 400}} {
		header := http.Header{}
		if refused.origin != "" {
			header.Set("Origin", refused.origin)
		}
		if status := wsclient.Status(t, s.URL(refused.path), header); status != refused.status {
			t.Errorf("%s was refused with %d, want %d", refused.path, status, refused.status)
		}
	}
	if status, _ := s.get(t, "/ws/notes"); status != http.StatusUpgradeRequired {
		t.Errorf("a page is answered with %d", status)
	}
	s.get(t, "/api/rooms")

	want := figures{
		`yroom_connections{dialect="plain"}`:                3,
		`yroom_connections{dialect="hocuspocus"}`:           0,
		`yroom_connections_opened_total{dialect="plain"}`:   3,
		`yroom_requests_refused_total{reason="room"}`:       2,
		`yroom_requests_refused_total{reason="origin"}`:     1,
		`yroom_requests_refused_total{reason="upgrade"}`:    1,
		`yroom_requests_refused_total{reason="joins"}`:      0,
		`yroom_received_messages_total`:                     float64(sum.sent),
		`yroom_received_bytes_total`:                        float64(sum.sentBytes),
		`yroom_sent_messages_total`:                         float64(sum.got),
		`yroom_sent_bytes_total`:                            float64(sum.gotBytes),
		`yroom_turn_inputs_sum`:                             float64(sum.sent + len(clients)), // with the Joins
		`yroom_added_bytes_total`:                           float64(stored),
		`yroom_appended_bytes_total`:                        float64(stored),
		`yroom_append_turns_sum`:                            edits * 3,
		`yroom_append_duration_seconds_count`:               edits * 3,
		`yroom_sqlite_commit_changes_sum`:                   edits * 3,
		`yroom_rooms{state="open"}`:                         1,
		`yroom_awareness_states`:                            3,
		`yroom_load_duration_seconds_count`:                 1,
		`yroom_api_requests_total{code="404",method="get"}`: 1,

		`yroom_ready`:                 1,
		`yroom_append_failures_total`: 0,
	}
	testkit.Eventually(t, "the metrics add up", func() string { return want.missing(metrics()) })

	clients[0].MustSend(t) // nothing
	if err := clients[0].Write(wsclient.Frame(ws.OpClose, true, ws.NewCloseFrameBody(1001, ""))); err != nil {
		t.Fatal(err)
	}
	clients[1].MustSend(t, []byte{0, 2, 9}) // an update that ends early
	for i, code := range []ws.StatusCode{1001, 1007} {
		if got, _, err := clients[i].AwaitClose(); got != code {
			t.Errorf("client %d was closed with %d (%v), want %d", i, got, err, code)
		}
	}
	clients[2].Close()
	want = figures{
		`yroom_connections{dialect="plain"}`:          0,
		`yroom_connections_closed_total{code="1001"}`: 1,
		`yroom_connections_closed_total{code="1006"}`: 1,
		`yroom_connections_closed_total{code="1007"}`: 1,
		`yroom_awareness_states`:                      0,
	}
	testkit.Eventually(t, "the closes are counted", func() string {
		all := metrics()
		if all.sum("yroom_connections_closed_total") > 3 {
			t.Fatalf("%v connections have closed", all.sum("yroom_connections_closed_total"))
		}
		return want.missing(all)
	})

	s.Signal(t, syscall.SIGTERM)
	s.Ended(t)
	s = startIn(t, dir)
	all := metrics()
	for series, value := range all {
		if strings.HasPrefix(series, "yroom_") && strings.Contains(series, "_total") && value != 0 {
			t.Errorf("after a restart, %s is %v", series, value)
		}
	}
	s.first(t, "notes")
	all = metrics()
	if all["yroom_load_duration_seconds_count"] != 1 || all["yroom_loaded_bytes_total"] == 0 {
		t.Errorf("after a restart, %v rooms and %v bytes were loaded", all["yroom_load_duration_seconds_count"], all["yroom_loaded_bytes_total"])
	}
}

// missing says which of the figures have another value in all, or "".
func (f figures) missing(all figures) string {
	var wrong []string
	for series, value := range f {
		if got, found := all[series]; !found || got != value {
			wrong = append(wrong, fmt.Sprintf("%s is %v, want %v", series, got, value))
		}
	}
	slices.Sort(wrong)
	return strings.Join(wrong, "\n")
}

// --metrics-listen serves metrics, and nothing else, to everybody who can reach it.
func TestMetricsListen(t *testing.T) {
	at := freeAddress(t)
	start(t, "--metrics-listen", at)
	forwarded := http.Header{"X-Forwarded-For": {"192.0.2.1"}}
	all := figuresAt(t, "http://"+at+"/metrics", forwarded)
	if all["yroom_ready"] != 1 || all.sum("yroom_build_info") != 1 || all["go_goroutines"] == 0 {
		t.Errorf("metrics: %v", all)
	}
	own := &server{&testkit.Server{Host: at}}
	for _, path := range []string{"/", "/healthz", "/rooms.json"} {
		if status, _ := own.get(t, path); status != http.StatusNotFound {
			t.Errorf("%s: %d", path, status)
		}
	}
}
