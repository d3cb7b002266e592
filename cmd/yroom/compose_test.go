package main

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/goccy/go-yaml"
)

// service is a service of compose.yaml, as far as the test knows it.
type service struct {
	Image       string
	Build       string
	Command     []string
	Hostname    string
	Ports       []string
	Volumes     []string
	Environment map[string]string
	Healthcheck struct{ Test []string }
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
}

// parsed returns the commands with the arguments of a container.
func parsed(t *testing.T, args []string) *commands {
	t.Helper()
	var cli commands
	parser, err := kong.New(&cli, kong.Exit(func(int) { t.Fatalf("%q exits", args) }))
	if err == nil {
		_, err = parser.Parse(args)
	}
	if err != nil {
		t.Errorf("yroom %s: %v", strings.Join(args, " "), err)
	}
	return &cli
}

// The services of compose.yaml have commands that exist, with settings that fit each
// other, the Dockerfile and nginx.
func TestComposeFile(t *testing.T) {
	data, err := os.ReadFile("../../compose.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Services map[string]service
		Volumes  map[string]any
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	proxy, err := os.ReadFile("../../deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	roles := map[string]int{}
	for name, s := range file.Services {
		if len(s.Healthcheck.Test) < 2 || s.Healthcheck.Test[0] != "CMD" {
			t.Errorf("%s has no health check: %q", name, s.Healthcheck.Test)
		}
		for on, how := range s.DependsOn {
			if _, ok := file.Services[on]; !ok || how.Condition != "service_healthy" {
				t.Errorf("%s depends on %s, %v", name, on, how)
			}
		}
		if s.Build == "" {
			continue
		}
		role := s.Command[0]
		roles[role]++
		cli := parsed(t, s.Command)
		asked := parsed(t, s.Healthcheck.Test[2:]).Health.URL
		var health, layer string
		switch role {
		case "consumer":
			health, layer = cli.Consumer.Health, cli.Consumer.Layer
			if set := cli.Consumer; !*set.Open || !strings.Contains(string(proxy), "server "+s.Hostname+":"+port(set.Listen)+" ") || s.Hostname != name {
				t.Errorf("nginx does not reach %s, which listens on %s", name, set.Listen)
			}
			if want := "localhost:" + port(file.Services["proxy"].Ports[0]); !slices.Equal(cli.Consumer.Origin, []string{want}) {
				t.Errorf("%s admits pages of %q, want %s", name, cli.Consumer.Origin, want)
			}
			if file.Services["proxy"].DependsOn[name].Condition == "" {
				t.Errorf("the proxy does not depend on %s", name)
			}
		case "worker":
			health, layer = cli.Worker.Listen, cli.Worker.Layer
			if set := cli.Worker; !strings.HasPrefix(set.Store, "postgres://") || s.Environment["PGPASSWORD"] != file.Services["postgres"].Environment["POSTGRES_PASSWORD"] {
				t.Errorf("%s has the store %s, and a password %q", name, set.Store, s.Environment["PGPASSWORD"])
			}
		}
		if asked != "http://"+health+"/readyz" {
			t.Errorf("%s is asked for its health at %s, and answers at %s", name, asked, health)
		}
		if layer != "redis://redis:6379" {
			t.Errorf("%s has the layer %s", name, layer)
		}
	}
	if roles["consumer"] != 2 || roles["worker"] != 2 || len(file.Services) != 7 {
		t.Errorf("services %v of %d", roles, len(file.Services))
	}
	if p := file.Services["proxy"]; !slices.Contains(p.Volumes, "./deploy/nginx.conf:/etc/nginx/conf.d/default.conf:ro") ||
		!strings.Contains(string(proxy), "listen 0.0.0.0:"+port(p.Ports[0])+";") || !strings.HasPrefix(p.Ports[0], "127.0.0.1:") {
		t.Errorf("proxy %+v", p)
	}
	image, err := os.ReadFile("../../Dockerfile")
	if err != nil || !strings.Contains(string(image), `ENTRYPOINT ["/yroom"]`) {
		t.Errorf("the Dockerfile doesn't start /yroom (%v)", err)
	}
}

// The image is built from files that .dockerignore leaves in, among them each package of the
// command.
func TestDockerIgnore(t *testing.T) {
	text, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	ignored := strings.Fields(string(text))
	out, err := exec.CommandContext(t.Context(), "go", "list", "-tags", "demo", "-deps", "-f", "{{with .Module}}{{if .Main}}{{$.ImportPath}}{{end}}{{end}}", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 20 {
		t.Errorf("the command has only the packages %q", packages)
	}
	for _, name := range packages {
		folder, _, _ := strings.Cut(strings.TrimPrefix(name, "github.com/yroom/yroom/"), "/")
		if slices.Contains(ignored, folder) {
			t.Errorf("the image lacks the package %s: .dockerignore has %s", name, folder)
		}
	}
}

// port returns the part of an address that follows the last colon.
func port(address string) string { return address[strings.LastIndex(address, ":")+1:] }

// The command with which docs/install.md starts a container admits only pages of the
// address at which it publishes the port.
func TestDockerCommand(t *testing.T) {
	page, err := os.ReadFile("../../docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "\ndocker run ")
	command, _, _ := strings.Cut(rest, "\n")
	docker, args, found := strings.Cut(command, " yroom serve ")
	if !found || !strings.Contains(docker, " -p 127.0.0.1:8000:8000 ") {
		t.Fatalf("docker run %s", command)
	}
	set := parsed(t, append([]string{"serve"}, strings.Fields(args)...)).Serve
	if set.Listen != "0.0.0.0:8000" || !*set.Open || !slices.Equal(set.Origin, []string{"localhost:8000"}) {
		t.Errorf("docker run %s", command)
	}
}
