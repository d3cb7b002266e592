package redis

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/internal/testkit/daemon"
)

// Replicated is a server with a replica, and a Sentinel that makes the replica the
// master if the server fails.
type Replicated struct {
	Master, Replica *Server
	sentinel        int // its port
}

// MasterName is the name by which the Sentinel knows the master.
const MasterName = "yroom-master"

// StartReplicated runs the servers of a Replicated until the end of the test.
func StartReplicated(t testing.TB) *Replicated {
	t.Helper()
	r := &Replicated{Master: Start(t, Options{}), sentinel: daemon.FreePort(t)}
	r.Replica = Start(t, Options{Args: []string{"--replicaof", "127.0.0.1", strconv.Itoa(r.Master.port), "--repl-diskless-sync-delay", "0"}})
	dir := t.TempDir()
	config := filepath.Join(dir, "sentinel.conf")
	err := os.WriteFile(config, fmt.Appendf(nil, `bind 127.0.0.1
port %[1]d
dir %[2]q
sentinel monitor %[3]s 127.0.0.1 %[4]d 1
sentinel down-after-milliseconds %[3]s 500
sentinel failover-timeout %[3]s 3000
`, r.sentinel, dir, MasterName, r.Master.port), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	daemon.Start(t, program(t), config, "--sentinel")
	testkit.Eventually(t, "the Sentinel knows the replica", func() string {
		info, err := do(r.sentinel, "INFO", "sentinel")
		if err != nil {
			return err.Error()
		}
		if !strings.Contains(info, "status=ok") || !strings.Contains(info, "slaves=1") {
			return info
		}
		return ""
	})
	return r
}

// URL returns the address by which clients find the master.
func (r *Replicated) URL() string {
	return "redis-sentinel://" + address(r.sentinel) + "/" + MasterName
}

const slots = 16384

// StartCluster runs a Cluster of three masters until the end of the test.
func StartCluster(t testing.TB) []*Server {
	t.Helper()
	const masters = 3
	var all []*Server
	var buses []int
	for range masters {
		bus := daemon.FreePort(t)
		buses = append(buses, bus)
		all = append(all, Start(t, Options{Args: []string{"--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(bus), "--cluster-node-timeout", "2000"}}))
	}
	for i, s := range all {
		must(t, s.port, "CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(i*slots/masters), strconv.Itoa((i+1)*slots/masters-1))
		must(t, s.port, "CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1))
	}
	for i := range all[1:] {
		must(t, all[0].port, "CLUSTER", "MEET", "127.0.0.1", strconv.Itoa(all[i+1].port), strconv.Itoa(buses[i+1]))
	}
	for _, s := range all {
		testkit.Eventually(t, "the Cluster is complete", func() string {
			info, err := do(s.port, "CLUSTER", "INFO")
			if err != nil {
				return err.Error()
			}
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, "cluster_known_nodes:3") {
				return info
			}
			return ""
		})
	}
	return all
}

func must(t testing.TB, port int, args ...string) (reply string) {
	t.Helper()
	reply, err := do(port, args...)
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return reply
}

// Move moves the slot of a channel to another node of a Cluster.
func Move(t testing.TB, cluster []*Server, channel string) {
	t.Helper()
	slot := must(t, cluster[0].port, "CLUSTER", "KEYSLOT", channel)
	n, err := strconv.Atoi(slot)
	if err != nil {
		t.Fatal(err)
	}
	from := n * len(cluster) / slots
	to := (from + 1) % len(cluster)
	source, target := must(t, cluster[from].port, "CLUSTER", "MYID"), must(t, cluster[to].port, "CLUSTER", "MYID")
	must(t, cluster[to].port, "CLUSTER", "SETSLOT", slot, "IMPORTING", source)
	must(t, cluster[from].port, "CLUSTER", "SETSLOT", slot, "MIGRATING", target)
	must(t, cluster[to].port, "CLUSTER", "SETSLOT", slot, "NODE", target)
	for i := range cluster {
		must(t, cluster[i].port, "CLUSTER", "SETSLOT", slot, "NODE", target)
	}
}
