package natslayer_test

import (
	"crypto/tls"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nkeys"
	"go.uber.org/goleak"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/internal/testkit/nats"
	"github.com/yroom/yroom/internal/testkit/proxy"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/layer/natslayer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// deployment returns a function that opens the layer of another process of a new
// deployment, whose prefix differs from those of all others.
func deployment(t testing.TB, secure *tls.Config) func(name, url string) *buslayer.Layer {
	t.Helper()
	prefix := testkit.Unique("test")
	return func(name, url string) *buslayer.Layer {
		c := natslayer.Config{URL: url + "?prefix=" + prefix, TLS: secure}
		c.Name, c.Logger = name, testkit.Logger(t)
		l, err := natslayer.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
}

// at returns a function that opens the layer of another process at url.
func at(t testing.TB, url string, secure *tls.Config) func(name string) *buslayer.Layer {
	t.Helper()
	open := deployment(t, secure)
	return func(name string) *buslayer.Layer { return open(name, url) }
}

func TestConformance(t *testing.T) {
	s := nats.Start(t, nats.Options{})
	layertest.Run(t, func(t *testing.T) layer.Layer { return membus.NewApart(t, at(t, s.URL(), nil), nil) })
}

// TestCluster checks processes that are connected to different servers of a cluster.
func TestCluster(t *testing.T) {
	all := nats.StartCluster(t)
	layertest.Run(t, func(t *testing.T) layer.Layer {
		open, i := deployment(t, nil), 0
		return membus.NewApart(t, func(name string) *buslayer.Layer {
			i++
			return open(name, all[i%len(all)].URL())
		}, nil)
	})
}

// TestFaults lets the network fail between each process and NATS, and NATS itself.
func TestFaults(t *testing.T) {
	s := nats.Start(t, nats.Options{})
	layertest.RunFaults(t, func(t *testing.T, f layertest.Faults) (layer.Layer, func()) {
		open := deployment(t, nil)
		var proxies []*proxy.Proxy
		cuts := 0
		l := membus.NewApart(t, func(name string) *buslayer.Layer {
			p := proxy.Start(t, s.Addr())
			proxies = append(proxies, p)
			return open(name, s.URLAt(p.Addr()))
		}, func(time.Duration) {
			switch cuts++; cuts % 3 {
			case 1: // one process
				p := proxies[rand.IntN(len(proxies))]
				p.Cut()
				time.AfterFunc(300*time.Millisecond, p.Resume)
			case 2: // all, by a crash
				s.Kill(t)
				s.Restart(t)
			case 0: // all, for longer than it takes to notice
				s.Pause(t)
				time.Sleep(2500 * time.Millisecond)
				s.Resume(t)
			}
		})
		return l, proxy.Disturb(t, proxies, f.Lose, f.Delay)
	})
}

// TestSecurity checks TLS, a user that has only the permissions in the package's
// documentation, and that the error about a wrong password doesn't contain it.
func TestSecurity(t *testing.T) {
	cert := testkit.NewCertificate(t)
	s := nats.Start(t, nats.Options{TLS: cert, Subjects: []string{"yroom.>"}})
	open := func(address string, secure *tls.Config) func(string) *buslayer.Layer {
		return func(name string) *buslayer.Layer {
			c := natslayer.Config{URL: address, TLS: secure}
			c.Name, c.Logger = name, testkit.Logger(t)
			l, err := natslayer.Open(c)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
	}
	membus.Connect(t, open(s.URL(), cert.Client))

	wrong, err := url.Parse(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	wrong.User = url.UserPassword(nats.User, "mistaken")
	for _, c := range []struct {
		name, url string
		secure    *tls.Config
		words     string
	}{
		{"with a wrong password", wrong.String(), cert.Client, "Authorization"},
		{"that doesn't trust the certificate", s.URL(), nil, "certificate"},
		{"that may not use the subjects", s.URL() + "?prefix=other", cert.Client, "Permissions Violation"},
	} {
		l := membus.Open(t, open(c.url, c.secure), "a process "+c.name)
		testkit.Eventually(t, "Ready says what is wrong with a process "+c.name, func() string {
			err := l.Ready()
			if err == nil || !strings.Contains(err.Error(), c.words) {
				return "it says something else"
			}
			if strings.Contains(err.Error(), "mistaken") || strings.Contains(err.Error(), "sesame") {
				t.Fatalf("the error contains the password: %v", err)
			}
			return ""
		})
	}
}

// TestNKey checks that a process can log in by the seed in a file.
func TestNKey(t *testing.T) {
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, publicErr := user.PublicKey()
	seed, err := user.Seed()
	if err != nil || publicErr != nil {
		t.Fatal(err, publicErr)
	}
	file := filepath.Join(t.TempDir(), "seed.txt")
	if err := os.WriteFile(file, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	s := nats.Start(t, nats.Options{Config: fmt.Sprintf("authorization { users = [{nkey: %q}] }\n", public)})
	membus.Connect(t, func(name string) *buslayer.Layer {
		c := natslayer.Config{URL: s.URL() + "?nkey=" + url.QueryEscape(file)}
		c.Name, c.Logger = name, testkit.Logger(t)
		l, err := natslayer.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		return l
	})
}

// TestFailover checks that a process goes to another server of the cluster.
func TestFailover(t *testing.T) {
	all := nats.StartCluster(t)
	open := deployment(t, nil)
	hosts := ""
	for _, s := range all[1:] {
		hosts += "," + s.Addr()
	}
	p := membus.Connect(t, func(name string) *buslayer.Layer {
		if name == "worker" {
			return open(name, all[0].URL()) // it learns of the others
		}
		return open(name, all[0].URL()+hosts)
	})
	for _, s := range all[:2] {
		s.Kill(t)
		p.Reach(t)
		membus.AwaitReady(t, p.Consumer)
	}
}

// TestDeaf checks that Ready reports within little more than two seconds that nothing
// arrives though the connections are open, and that the layer recovers.
func TestDeaf(t *testing.T) {
	s := nats.Start(t, nats.Options{})
	p := proxy.Start(t, s.Addr())
	for _, c := range []struct {
		name       string
		fail, mend func()
	}{
		{"stalled network", p.Stall, p.Resume},
		{"stopped server", func() { s.Pause(t) }, func() { s.Resume(t) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			membus.CheckDeaf(t, at(t, s.URLAt(p.Addr()), nil), c.fail, c.mend)
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for address, words := range map[string]string{
		"redis://host":                         "scheme",
		"nats://:sesame@host/0":                "path",
		"nats://:sesame@host?nkey=missing":     "missing can't be read",
		"nats://:sesame@host?a=b":              "unknown parameter",
		"nats://user:sesame@host:1,host:x":     "not a valid URL",
		"nats://user:sesame@host?prefix=a.b.c": "prefix",
	} {
		_, err := natslayer.Open(natslayer.Config{URL: address})
		if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// BenchmarkEdit measures an edit over one server, and over a cluster, of which each
// process is connected to another server.
func BenchmarkEdit(b *testing.B) {
	b.Run("server", func(b *testing.B) {
		url := nats.Start(b, nats.Options{}).URL()
		membus.BenchmarkEdit(b, membus.NewApart(b, at(b, url, nil), nil))
	})
	b.Run("cluster", func(b *testing.B) {
		all := nats.StartCluster(b)
		open, i := deployment(b, nil), 0
		membus.BenchmarkEdit(b, membus.NewApart(b, func(name string) *buslayer.Layer {
			i++
			return open(name, all[i%len(all)].URL())
		}, nil))
	})
}
