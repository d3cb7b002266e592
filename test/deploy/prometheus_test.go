package deploy

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

const installPrometheus = "on Debian, apt-get install prometheus"

// dashboard returns the query of each panel by its title.
func dashboard(t *testing.T) map[string][]string {
	t.Helper()
	data, err := os.ReadFile("../../deploy/grafana/yroom.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(data, &board); err != nil {
		t.Fatal(err)
	}
	queries := map[string][]string{}
	for _, p := range board.Panels {
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "10s", "$instance", ".*").Replace(target.Expr)
			queries[p.Title] = append(queries[p.Title], expr)
		}
	}
	if len(queries) < 20 {
		t.Fatalf("the dashboard has %d panels", len(queries))
	}
	return queries
}

// promtool accepts the alerts, and their tests pass.
func TestAlerts(t *testing.T) {
	promtool := testkit.Program(t, "promtool", installPrometheus)
	for _, args := range [][]string{{"check", "rules", "yroom.rules.yml"}, {"test", "rules", "yroom.rules.test.yml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = "../../deploy/prometheus"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	rules, err := os.ReadFile("../../deploy/prometheus/yroom.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	if alerts, books := strings.Count(string(rules), "- alert:"), strings.Count(string(rules), " runbook: "); alerts == 0 || alerts != books {
		t.Errorf("%d alerts have %d runbooks", alerts, books)
	}
}

// promtool accepts the documented file of settings beside the file of the alerts.
func TestDocumentedScraping(t *testing.T) {
	promtool := testkit.Program(t, "promtool", installPrometheus)
	dir := t.TempDir()
	rules, err := os.ReadFile("../../deploy/prometheus/yroom.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"yroom.rules.yml": rules, "prometheus.yml": []byte(block(t, "yml", "scrape_configs"))} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), promtool, "check", "config", filepath.Join(dir, "prometheus.yml")).CombinedOutput(); err != nil {
		t.Errorf("promtool check config: %v\n%s", err, out)
	}
}

// A Prometheus scrapes a server, a worker and a consumer. After some traffic, each query of
// the dashboard returns data, and each metric in the alerts is there.
func TestPrometheus(t *testing.T) {
	program := testkit.Program(t, "prometheus", installPrometheus)
	broker := redis.Start(t, redis.Options{})
	dir := withWebhook(t)
	single := testkit.Serve(t, yroom, dir, "--store", "sqlite:single.db")
	worker := testkit.Start(t, yroom, dir, "worker", "--layer", broker.URL(), "--store", "sqlite:cluster.db")
	consumer := testkit.Start(t, yroom, dir, "consumer", "--layer", broker.URL())
	processes := []*testkit.Server{single, worker, consumer}

	var targets []string
	for _, p := range processes {
		targets = append(targets, p.Host)
	}
	config := filepath.Join(dir, "prometheus.yml")
	rules, err := filepath.Abs("../../deploy/prometheus/yroom.rules.yml")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nrule_files: [%s]\nscrape_configs:\n- job_name: yroom\n  static_configs: [{targets: ['%s']}]\n",
		rules, strings.Join(targets, "', '"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	host := fmt.Sprintf("127.0.0.1:%d", daemon.FreePort(t))
	daemon.Start(t, program, "--config.file="+config, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+host)

	stop, stopped := make(chan struct{}), make(chan struct{})
	defer func() { close(stop); <-stopped }()
	go func() {
		defer close(stopped)
		for clock := uint64(0); ; clock++ {
			for _, p := range []*testkit.Server{single, consumer} {
				edit(t, p, clock)
			}
			select {
			case <-stop:
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()

	ask := func(query string) (found int, err error) {
		resp, err := http.Get("http://" + host + "/api/v1/query?query=" + url.QueryEscape(query))
		if err != nil {
			return 0, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return 0, err
		}
		var answer struct {
			Error string
			Data  struct{ Result []json.RawMessage }
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			return 0, fmt.Errorf("%w: %s", err, body)
		}
		if answer.Error != "" {
			return 0, fmt.Errorf("%s: %s", query, answer.Error)
		}
		return len(answer.Data.Result), nil
	}
	testkit.Eventually(t, "Prometheus scrapes all processes", func() string {
		if n, err := ask(`up{job="yroom"} == 1`); err != nil || n != len(processes) {
			return fmt.Sprintf("%d of %d (%v)", n, len(processes), err)
		}
		return ""
	})
	for title, queries := range dashboard(t) {
		for _, query := range queries {
			testkit.Eventually(t, title+" has data", func() string {
				if n, err := ask(query); err != nil || n == 0 {
					return fmt.Sprintf("%s returns nothing (%v)", query, err)
				}
				return ""
			})
		}
	}
	data, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\byroom_\w+`).FindAllString(string(data), -1)
	slices.Sort(names)
	if names = slices.Compact(names); len(names) < 10 {
		t.Errorf("the alerts name %d metrics", len(names))
	}
	for _, name := range names {
		if n, err := ask(name); err != nil || n == 0 {
			t.Errorf("the alerts name %s, of which Prometheus has nothing (%v)", name, err)
		}
	}
}

// withWebhook returns a new folder with the settings of a webhook, whose requests are answered with
// an error.
func withWebhook(t *testing.T) (dir string) {
	t.Helper()
	receiver := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(receiver.Close)
	dir = t.TempDir()
	for name, text := range map[string]string{
		"secret":     "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
		"yroom.yaml": "webhooks: {search: {url: '" + receiver.URL + "', secret_file: secret, allow: 127.0.0.1}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// edit connects to a room, writes the next character and leaves.
func edit(t *testing.T, s *testkit.Server, clock uint64) {
	t.Helper()
	c, err := wsclient.Dial(t.Context(), s.URL("notes"), nil)
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	update := testkit.Update(testkit.Typed(7, clock, "a"))
	if err := c.Send(update); err != nil {
		t.Error(err)
		return
	}
	if err := c.Await(update); err != nil {
		t.Error(err)
	}
}
