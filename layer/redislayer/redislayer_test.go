package redislayer_test

import (
	"crypto/tls"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/membus"
	"github.com/yroom/yroom/internal/testkit/proxy"
	"github.com/yroom/yroom/internal/testkit/redis"
	"github.com/yroom/yroom/layer"
	"github.com/yroom/yroom/layer/buslayer"
	"github.com/yroom/yroom/layer/layertest"
	"github.com/yroom/yroom/layer/redislayer"
)

func TestMain(m *testing.M) {
	// The client sleeps for a second before it reads the nodes of a Cluster again, even if it
	// is closed meanwhile.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

// deployment returns a function that opens the layer of another process of a new
// deployment, whose prefix differs from those of all others.
func deployment(t testing.TB, secure *tls.Config) func(name, url string) *buslayer.Layer {
	t.Helper()
	prefix := testkit.Unique("test")
	return func(name, url string) *buslayer.Layer {
		c := redislayer.Config{URL: url + "?prefix=" + prefix, TLS: secure}
		c.Name, c.Logger = name, testkit.Logger(t)
		l, err := redislayer.Open(c)
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
	s := redis.Start(t, redis.Options{})
	layertest.Run(t, func(t *testing.T) layer.Layer { return membus.NewApart(t, at(t, s.URL(), nil), nil) })
}

// TestCluster checks that messages reach processes whose channels are at other nodes.
func TestCluster(t *testing.T) {
	url := redis.StartCluster(t)[0].URL()
	layertest.Run(t, func(t *testing.T) layer.Layer { return membus.NewApart(t, at(t, url, nil), nil) })
}

// TestMove checks that a layer follows its channels to other nodes of a Cluster.
func TestMove(t *testing.T) {
	cluster := redis.StartCluster(t)
	p := membus.Connect(t, func(name string) *buslayer.Layer {
		c := redislayer.Config{URL: cluster[0].URL()}
		c.Name, c.Logger = name, testkit.Logger(t)
		l, err := redislayer.Open(c)
		if err != nil {
			t.Fatal(err)
		}
		return l
	})
	redis.Move(t, cluster, "yroom:all")
	membus.AwaitOutage(t, p.Consumer)
	membus.AwaitReady(t, p.Consumer)
	p.Reach(t)
}

// TestFaults lets the network fail between each process and Redis, and Redis itself.
func TestFaults(t *testing.T) {
	s := redis.Start(t, redis.Options{})
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

// TestSecurity checks TLS, a user of the ACL that has only the permissions in the package's
// documentation, and that the error about a wrong password doesn't contain it.
func TestSecurity(t *testing.T) {
	cert := testkit.NewCertificate(t)
	s := redis.Start(t, redis.Options{
		TLS:    cert,
		Access: []string{"resetchannels", "&test*", "+publish", "+subscribe", "+ping"},
	})
	membus.Connect(t, at(t, s.URL(), cert.Client))

	const wrong = "mistaken"
	url := strings.Replace(s.URL(), redis.EscapedPassword(), wrong, 1)
	l := membus.Open(t, at(t, url, cert.Client), "with a wrong password")
	testkit.Eventually(t, "Ready says that the password is wrong", func() string {
		err := l.Ready()
		if err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
			return "it says something else"
		}
		if strings.Contains(err.Error(), wrong) {
			t.Fatalf("the error contains the password: %v", err)
		}
		return ""
	})
	forbidden := redis.Start(t, redis.Options{Access: []string{"resetchannels", "&test*", "+subscribe", "+ping"}})
	l = membus.Open(t, at(t, forbidden.URL(), nil), "that may not publish")
	testkit.Eventually(t, "Ready says that publishing is forbidden", func() string {
		if err := l.Ready(); err == nil || !strings.Contains(err.Error(), "NOPERM") {
			return "it says something else"
		}
		return ""
	})
	l = membus.Open(t, at(t, s.URL(), nil), "that doesn't trust the certificate")
	testkit.Eventually(t, "Ready says that the certificate is not trusted", func() string {
		if err := l.Ready(); err == nil || !strings.Contains(err.Error(), "certificate") {
			return "it says something else"
		}
		return ""
	})
}

// TestDeployments checks that two deployments can share a Redis.
func TestDeployments(t *testing.T) {
	s := redis.Start(t, redis.Options{})
	layers := make(map[string][]*buslayer.Layer)
	for _, query := range []string{"", "/1", "?prefix=other", "/1?prefix=other"} {
		for range 2 {
			l := membus.Open(t, func(string) *buslayer.Layer {
				l, err := redislayer.Open(redislayer.Config{URL: s.URL() + query})
				if err != nil {
					t.Fatal(err)
				}
				return l
			}, query)
			layers[query] = append(layers[query], l)
		}
	}
	time.Sleep(time.Second) // each has sent its heartbeat twice
	for query, all := range layers {
		for _, l := range all {
			if n := len(l.Peers()); n != 1 {
				t.Errorf("%q: %d other processes are known, want 1", query, n)
			}
		}
	}
}

// TestFailover checks that a layer follows the master.
func TestFailover(t *testing.T) {
	r := redis.StartReplicated(t)
	p := membus.Connect(t, at(t, r.URL(), nil))
	r.Master.Kill(t)
	membus.AwaitOutage(t, p.Consumer)
	membus.AwaitReady(t, p.Consumer)
	p.Reach(t)
}

// TestDeaf checks that Ready reports within little more than two seconds that nothing
// arrives though the connections are open, and that the layer recovers.
func TestDeaf(t *testing.T) {
	s := redis.Start(t, redis.Options{})
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
	for url, words := range map[string]string{
		"nats://host":                       "scheme",
		"redis://:sesame@host/zero":         "not a number",
		"redis-sentinel://:sesame@host":     "master",
		"redis-sentinel://:sesame@host/a?b": "unknown parameter",
		"redis://user:sesame@host:x":        "not a valid URL",
	} {
		_, err := redislayer.Open(redislayer.Config{URL: url})
		if err == nil || !strings.Contains(err.Error(), words) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// BenchmarkEdit measures an edit over one server, and over a Cluster.
func BenchmarkEdit(b *testing.B) {
	b.Run("server", func(b *testing.B) {
		url := redis.Start(b, redis.Options{}).URL()
		membus.BenchmarkEdit(b, membus.NewApart(b, at(b, url, nil), nil))
	})
	b.Run("cluster", func(b *testing.B) {
		url := redis.StartCluster(b)[0].URL()
		membus.BenchmarkEdit(b, membus.NewApart(b, at(b, url, nil), nil))
	})
}
