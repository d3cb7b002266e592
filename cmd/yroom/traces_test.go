package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/yroom/yroom/consumer"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/internal/testkit/wsclient"
	"github.com/yroom/yroom/worker"
)

// collector receives traces by OTLP.
type collector struct {
	*httptest.Server

	mu    sync.Mutex
	spans []span
}

// span is a span with the process that has sent it.
type span struct {
	*tracepb.Span

	process string
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var got collectorpb.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &got) != nil {
			t.Errorf("a request %s %s with %d bytes: %v", r.Method, r.URL, len(body), err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, of := range got.GetResourceSpans() {
			about := map[string]string{}
			for _, a := range of.GetResource().GetAttributes() {
				about[a.GetKey()] = a.GetValue().GetStringValue()
			}
			if about["service.name"] != "yroom" || about["service.version"] == "" {
				t.Errorf("the resource is %v", about)
			}
			for _, s := range of.GetScopeSpans() {
				for _, one := range s.GetSpans() {
					c.spans = append(c.spans, span{one, about["service.instance.id"]})
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(c.Close)
	return c
}

// wants waits until there is a trace with as many spans as lines, and fails the test unless each line describes
// one of them: the process, the name, the name of the parent and the attributes. It returns the trace.
func (c *collector) wants(t *testing.T, lines ...string) (trace []span) {
	t.Helper()
	testkit.Eventually(t, "a trace arrives", func() string {
		c.mu.Lock()
		defer c.mu.Unlock()
		byTrace := map[string][]span{}
		for _, s := range c.spans {
			id := string(s.GetTraceId())
			byTrace[id] = append(byTrace[id], s)
		}
		for _, trace = range byTrace {
			if len(trace) == len(lines) {
				return ""
			}
		}
		return fmt.Sprintf("there are the spans %v", c.spans)
	})
	names := map[string]string{"": "none"}
	for _, s := range trace {
		names[string(s.GetSpanId())] = s.GetName()
	}
	var got []string
	for _, s := range trace {
		parent, found := names[string(s.GetParentSpanId())]
		if !found {
			parent = hex.EncodeToString(s.GetParentSpanId())
		}
		line := fmt.Sprintf("%s: %s under %s", s.process, s.GetName(), parent)
		for _, a := range s.GetAttributes() {
			if v := a.GetValue(); v.GetStringValue() != "" {
				line += fmt.Sprintf(" %s=%s", a.GetKey(), v.GetStringValue())
			} else {
				line += fmt.Sprintf(" %s=%d", a.GetKey(), v.GetIntValue())
			}
		}
		if s.GetStartTimeUnixNano() > s.GetEndTimeUnixNano() || time.Since(time.Unix(0, int64(s.GetEndTimeUnixNano()))) > time.Hour {
			t.Errorf("%s begins at %d and ends at %d", line, s.GetStartTimeUnixNano(), s.GetEndTimeUnixNano())
		}
		got = append(got, line)
	}
	slices.Sort(lines)
	slices.Sort(got)
	if diff := gocmp.Diff(lines, got); diff != "" {
		t.Errorf("spans (-want +got):\n%s", diff)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spans = slices.DeleteFunc(c.spans, func(s span) bool { return bytes.Equal(s.GetTraceId(), trace[0].GetTraceId()) })
	return trace
}

// wantNone fails the test if there are traces that wants has not returned.
func (c *collector) wantNone(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.spans) > 0 {
		t.Errorf("there are more spans: %v", c.spans)
	}
}

// of returns the span of a name.
func of(trace []span, name string) span {
	return trace[slices.IndexFunc(trace, func(s span) bool { return s.GetName() == name })]
}

// A traced edit has a span for each of its steps, in one process and in several. Its spans are under
// that of the consumer that has received it.
func TestTracesOfEdits(t *testing.T) {
	t.Run("serve", func(t *testing.T) {
		c := startCollector(t)
		s := startIn(t, t.TempDir(), "--traces-url", c.URL, "--traces-ratio", "1", "--name", "s1")
		tracesOfEdits(t, c, &s.Host, &s.Host, "s1", "s1", "s1: broadcast under edit yroom.room=notes yroom.connections=2")
		s.Stop(t)
		c.wantNone(t)
	})
	t.Run("consumers and worker", func(t *testing.T) {
		c := startCollector(t)
		dir := t.TempDir()
		layer := "--layer=" + redis.Start(t, redis.Options{}).URL()
		w := testkit.Start(t, "yroom", dir, "worker", layer, "--store", "sqlite:rooms.db", "--name", "w1", "--traces-url", c.URL)
		one := testkit.Start(t, "yroom", dir, "consumer", layer, "--name", "c1", "--traces-url", c.URL, "--traces-ratio", "1")
		t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
		two := testkit.Start(t, "yroom", dir, "consumer", layer, "--name", "c2", "--traces-ratio", "1e-9")
		tracesOfEdits(t, c, &one.Host, &two.Host, "c1", "w1",
			"c1: broadcast under edit yroom.room=notes yroom.connections=1", "c2: broadcast under edit yroom.room=notes yroom.connections=1")
		for _, p := range []*testkit.Server{one, two, w} {
			p.Stop(t)
		}
		c.wantNone(t)
	})
}

// tracesOfEdits checks the trace of an edit of a client at one process, which a client at two sees.
func tracesOfEdits(t *testing.T, c *collector, one, two *string, at, worker string, broadcasts ...string) {
	t.Helper()
	ada, bob := wsclient.Connect(t, "ws://"+*one+"/ws/notes", nil), wsclient.Connect(t, "ws://"+*two+"/ws/notes", nil)
	ada.MustAwait(t, emptyStep1)
	bob.MustAwait(t, emptyStep1)
	here := testkit.Awareness(testkit.Present(1, 1, `{"is":"here"}`)) // no edit
	ada.MustSend(t, here)
	bob.MustAwait(t, here)
	ada.MustSend(t, []byte(typing(typedHello)))
	bob.MustAwait(t, []byte(typing(typedHello)))
	bytes := fmt.Sprint(" yroom.bytes=", len(typedHello))
	trace := c.wants(t, append(broadcasts,
		at+": edit under none yroom.room=notes",
		worker+": turn under edit yroom.room=notes yroom.inputs=1"+bytes,
		worker+": append under edit yroom.room=notes yroom.turns=1"+bytes,
	)...)
	ada.Close() // so that the processes end soon
	bob.Close()
	edit, turn, stored, sent := of(trace, "edit"), of(trace, "turn"), of(trace, "append"), of(trace, "broadcast")
	if edit.GetStartTimeUnixNano() > turn.GetEndTimeUnixNano() || turn.GetStartTimeUnixNano() > stored.GetStartTimeUnixNano() || stored.GetEndTimeUnixNano() > sent.GetEndTimeUnixNano() {
		t.Errorf("the steps are not in order: %v", trace)
	}
}

// A request to the API joins the trace of its caller, and the change that it makes is in this trace, too.
func TestTracesOfRequests(t *testing.T) {
	c := startCollector(t)
	dir := inDir(t, "yroom.token", theToken, "yroom.yaml", "traces_url: "+c.URL+"\ntraces_ratio: 0.000000001\napi_token_file: yroom.token\n")
	s := startIn(t, dir, "--name", "s1")
	request := func(method, path, traceparent, body string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.Host+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Authorization": {"Bearer " + theToken}, "Content-Type": {"application/octet-stream"}, "Traceparent": {traceparent}}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	const id, caller = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, unsampled := range []string{"00-" + id + "-" + caller + "-00", "", "nonsense"} {
		request(http.MethodPost, "/api/rooms/notes", unsampled, typedHello)
	}
	bob := wsclient.Connect(t, s.URL("notes"), nil)
	bob.MustSend(t, testkit.SyncStep1([]byte{0}))
	bob.MustAwait(t, testkit.SyncStep2([]byte(typedHello)))
	request(http.MethodPost, "/api/rooms/notes", "00-"+id+"-"+caller+"-01", more)
	bytes := fmt.Sprint(" yroom.bytes=", len(more))
	const name = "POST /api/rooms/{room}"
	trace := c.wants(t,
		"s1: "+name+" under "+caller+" http.request.method=POST http.route=/api/rooms/{room} http.response.status_code=204",
		"s1: turn under "+name+" yroom.room=notes yroom.inputs=1"+bytes,
		"s1: append under "+name+" yroom.room=notes yroom.turns=1"+bytes,
		"s1: broadcast under "+name+" yroom.room=notes yroom.connections=1",
	)
	if got := hex.EncodeToString(trace[0].GetTraceId()); got != id {
		t.Errorf("the trace is %s, want that of the caller, %s", got, id)
	}
	request(http.MethodPut, "/api/nothing", "00-"+id+"-"+caller+"-01", "")
	c.wants(t, "s1: PUT /api under "+caller+" http.request.method=PUT http.route=/api http.response.status_code=404")

	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.Host+"/api/rooms/notes/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + theToken}, "Traceparent": {"00-" + id + "-" + caller + "-01"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || line == "" { // a stream is sent on while it is traced
		t.Errorf("the stream of changes begins with %q (%v)", line, err)
	}
	resp.Body.Close()
	const turn = "s1: turn under GET /api/rooms/{room}/events yroom.room=notes yroom.inputs=1 yroom.bytes=0" // of a query
	c.wants(t, turn, turn, "s1: GET /api/rooms/{room}/events under "+caller+" http.request.method=GET http.route=/api/rooms/{room}/events http.response.status_code=200")
	bob.Close() // not before, because it would be an input of such a turn
	s.Stop(t)
	c.wantNone(t)
}

func TestAPIRoute(t *testing.T) {
	for path, want := range map[string]string{
		"/api/rooms":                     "/api/rooms",
		"/api/rooms/a%2Fb":               "/api/rooms/{room}",
		"/api/rooms/rooms/connections":   "/api/rooms/{room}/connections",
		"/api/rooms/a/blocks/7-1":        "/api/rooms/{room}/blocks/{id}",
		"/api/rooms/a/blocks/7-1/marks":  "/api/rooms/{room}/blocks/{id}/marks",
		"/api/openapi.yaml":              "/api/openapi.yaml",
		"/api/":                          "/api",
		"/api":                           "/api",
		"/api/rooms/a/made-up":           "/api",
		"/api/made-up/a":                 "/api",
		"/api/rooms/a/blocks/7/marks/of": "/api",
	} {
		if got := apiRoute(path); got != want {
			t.Errorf("the route of %s is %s, want %s", path, got, want)
		}
	}
}

// A collector that is down, or hangs, delays neither edits nor the end of the process, and is logged once.
func TestTracesWithoutCollector(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		"hangs":   func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
			t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "300")
			requests := make(chan struct{}, 3)
			down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // the end of the request is then noticed
				select {
				case requests <- struct{}{}:
				default: // a slow machine makes thousands of requests
				}
				handler(w, r)
			}))
			defer down.Close()
			s := startIn(t, t.TempDir(), "--traces-url", down.URL, "--traces-ratio", "1")
			ada := wsclient.Connect(t, s.URL("notes"), nil)
			for i := range 3000 { // more spans than may wait
				update := testkit.Update(testkit.Typed(7, uint64(i), "x"))
				ada.MustSend(t, update)
				ada.MustAwait(t, update)
			}
			for range 3 {
				<-requests
			}
			ada.Close()
			s.Stop(t)
			if n := strings.Count(s.Log.String(), "Traces could not be sent to the collector."); n != 1 {
				t.Errorf("it was logged %d times that the collector is down", n)
			}
		})
	}
}

// Settings of traces that can't be meant are refused, without showing a password.
func TestTracesAreChecked(t *testing.T) {
	for want, set := range map[string]settings{
		"want that of a collector":     {ProcessSettings: ProcessSettings{TracesURL: "user:secret@collector:4318"}},
		"such as http://127.0.0.1:431": {ProcessSettings: ProcessSettings{TracesURL: "grpc://user:secret@collector:4317"}},
		"OTEL_EXPORTER_OTLP_HEADERS":   {ProcessSettings: ProcessSettings{TracesURL: "http://user:secret@collector:4318"}},
		"a query":                      {ProcessSettings: ProcessSettings{TracesURL: "http://collector:4318/?token=secret"}},
		"1.5: want a fraction":         {ProcessSettings: ProcessSettings{TracesRatio: new(1.5)}},
		"from 0 to 1":                  {ProcessSettings: ProcessSettings{TracesRatio: new(-1.0)}},
		"NaN: want a fraction":         {ProcessSettings: ProcessSettings{TracesRatio: new(math.NaN())}},
	} {
		if _, err := set.complete(settings{}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: the error is %v, want %q", set.ProcessSettings, err, want)
		}
	}
}

// Without a collector, nothing is called for an edit. With one, an edit of which no trace is kept
// makes no allocation.
func TestTracesAllocateNothingForOtherEdits(t *testing.T) {
	var off *traces
	if off.consumer(consumer.Events{}).Trace != nil || off.consumer(consumer.Events{}).Delivered != nil {
		t.Error("without traces, a consumer has functions for them")
	}
	testkit.SkipUnderRace(t)
	m := allMetrics(t)
	on, err := settings{ProcessSettings: ProcessSettings{TracesURL: "http://127.0.0.1:1", TracesRatio: new(1e-12)}}.openTraces(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { on.end(t.Context()) })
	conns, rooms := on.consumer(m.conns), on.worker(m.rooms)
	for what, f := range map[string]func(){
		"an edit": func() { conns.Trace(nil) },
		"a turn":  func() { rooms.Turn(worker.TurnInfo{Room: "room", Inputs: 3, Added: 30, Duration: time.Millisecond}) },
		"an append": func() {
			rooms.Appended(worker.AppendInfo{Room: "room", Turns: 2, Bytes: 60, Duration: time.Millisecond})
		},
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s makes %v allocations", what, n)
		}
	}
}
