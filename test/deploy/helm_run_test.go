package deploy

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/internal/testkit/wsclient"
)

// command returns the command of a container, in a folder that has the files of its volumes.
// secrets are the values that its variables take from Secrets, and addresses replace others
// in the settings, the arguments and the variables.
func command(t *testing.T, objects []object, c container, secrets map[string]string, addresses ...string) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	addresses = append(addresses, "/etc/yroom/", dir+"/", "sqlite:/data/", "sqlite:"+dir+"/")
	local := strings.NewReplacer(addresses...)
	settings := objects[slices.IndexFunc(objects, func(o object) bool { return o.Kind == "ConfigMap" })].Data["yroom.yaml"]
	write(t, filepath.Join(dir, "yroom.yaml"), local.Replace(settings))
	if err := os.Mkdir(filepath.Join(dir, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range regexp.MustCompile(`/etc/yroom/secrets/(\S+)`).FindAllStringSubmatch(settings, -1) {
		write(t, filepath.Join(dir, "secrets", name[1]), strings.Repeat("a-secret-of-a-test-", 4))
	}
	cmd := exec.CommandContext(t.Context(), yroom)
	for _, arg := range c.Args {
		cmd.Args = append(cmd.Args, local.Replace(arg))
	}
	for _, v := range c.Env {
		value := v.Value
		if v.ValueFrom.SecretKeyRef.Name != "" {
			value = secrets[v.Name]
		}
		if v.Name != "GOMEMLIMIT" {
			cmd.Env = append(cmd.Env, v.Name+"="+local.Replace(value))
		}
	}
	return cmd
}

// The servers and consumers of each chart accept their arguments, variables and settings.
func TestChartSettings(t *testing.T) {
	checked := 0
	eachChart(t, func(t *testing.T, objects []object) {
		for _, o := range workloads(objects) {
			c := o.Spec.Template.Spec.Containers[0]
			if c.Args[0] == "worker" { // TestChartCluster runs one
				continue
			}
			checked++
			cmd := command(t, objects, c, map[string]string{"YROOM_LAYER": "nats://yroom:secret@nats:4222", "YROOM_STORE": "postgres://yroom:secret@postgres/yroom"})
			cmd.Args = append(cmd.Args, "--check")
			if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "level=") {
				t.Errorf("%q: %v\n%s", cmd.Args, err, out)
			}
		}
	})
	if checked < 4 {
		t.Errorf("only %d containers were checked", checked)
	}
}

// A consumer and a worker with the arguments, variables and settings of the chart serve a
// client, answer the probes at the ports of the pod, and end with status 0.
func TestChartCluster(t *testing.T) {
	objects, err := render(t, chart+"/ci/cluster-values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	broker := redis.Start(t, redis.Options{})
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"access": "write"}`) }))
	t.Cleanup(app.Close)
	secrets := map[string]string{"YROOM_STORE": "sqlite:" + filepath.Join(t.TempDir(), "cluster.db")}
	servers := map[string]*testkit.Server{}
	var probes []string
	for _, o := range workloads(objects) {
		c := o.Spec.Template.Spec.Containers[0]
		addresses := []string{"redis://redis:6379", broker.URL(), "http://app/", app.URL + "/", "--shutdown-delay=10s", "--shutdown-delay=0s"}
		hosts := map[string]string{}
		for _, port := range c.Ports {
			hosts[port.Name] = fmt.Sprint("127.0.0.1:", daemon.FreePort(t))
			addresses = append(addresses, fmt.Sprint("=:", port.ContainerPort), "="+hosts[port.Name])
		}
		servers[c.Args[0]] = testkit.Launch(t, command(t, objects, c, secrets, addresses...))
		for _, p := range []probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			probes = append(probes, "http://"+hosts[p.HTTPGet.Port]+p.HTTPGet.Path)
		}
		probes = append(probes, "http://"+hosts["metrics"]+"/metrics")
	}
	for _, address := range probes {
		testkit.Eventually(t, address+" is answered", func() string {
			resp, err := http.Get(address)
			if err != nil {
				return err.Error()
			}
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				return resp.Status
			}
			return ""
		})
	}
	update := testkit.Update(testkit.Typed(1, 0, "hello"))
	c := wsclient.Connect(t, servers["consumer"].URL("notes"), nil)
	c.MustSend(t, update)
	c.MustAwait(t, update)
	servers["consumer"].Stop(t)
	servers["worker"].Stop(t)
}

// Values that are wrong are refused, with a text that says why.
func TestChartRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"{}":           "settings have no login",
		"settings: ''": "settings have no login",
		"settings: 'rooms: {default: {gc: true}}'":                                             "settings have no login",
		"settings: 'open: [true'":                                                              "settings can't be read as YAML",
		"{settings: 'open: true', mode: both}":                                                 "mode",
		"{settings: 'open: true', mode: cluster}":                                              "the mode cluster needs layer.url or layer.secret.name",
		"{settings: 'open: true', mode: cluster, layer: {url: 'redis://redis'}}":               "the mode cluster needs store.url or store.secret.name",
		"{settings: 'open: true', store: {url: 'postgres://yroom:secret@db/yroom'}}":           "does not match pattern",
		"{settings: 'open: true', mode: cluster, layer: {url: 'redis://:secret@redis'}}":       "does not match pattern",
		"{settings: 'open: true', mode: cluster, layer: {url: 'nats://token@nats'}}":           "does not match pattern",
		"{settings: 'open: true', store: {url: 'postgres://db/yroom?user=y&password=secret'}}": "'not'",
		"{settings: '{open: true, store: \"postgres://yroom:secret@db/yroom\"}'}":              "settings have a store or a layer",
		"{settings: '{open: true, layer: \"nats://token@nats\"}'}":                             "settings have a store or a layer",
		"{settings: '{open: true, rooms: {logs: {store: \"postgres://y:secret@db/logs\"}}}'}":  "a store for the rooms \"logs\"",
		"{settings: 'open: true', worker: {replicas: 0}}":                                      "replicas",
		"{settings: 'open: true', ingress: {enabled: true}}":                                   "host",
		"{settings: 'open: true', metrics: {serviceMonitor: {enabled: true}}}":                 "metrics",
		"{settings: 'open: true', shutdown: {timeout: 10, delay: 6}}":                          "shutdown.delay",
		"{settings: 'open: true', serve: {resources: {requests: {memory: null}}}}":             "memory",
		"{settings: 'open: true', nothing: 1}":                                                 "nothing",
		"settings: {open: true}":                                                               "settings",
		"{settings: 'open: true', service: {port: 70000}}":                                     "port",
	} {
		file := filepath.Join(t.TempDir(), "values.yaml")
		write(t, file, text)
		if _, err := render(t, file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want a text with %q", text, err, want)
		}
	}
}
