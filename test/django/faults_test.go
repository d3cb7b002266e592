package django

import (
	"fmt"
	"os/exec"
	"strconv"
	"testing"

	"github.com/yroom/yroom/internal/testkit"
)

// opened lets so many people open the room, at the Django processes in turn, and returns
// their names.
func (s *site) opened(t *testing.T, people int) (names []string) {
	t.Helper()
	for i := range people {
		name := "person" + strconv.Itoa(i)
		s.open(t, i%len(s.ports), name, "version", 1+i%3)
		names = append(names, name)
	}
	return names
}

// agree lets everyone type three letters, and fails the test unless all have the same
// document in the end.
func (s *site) agree(t *testing.T, names []string, length *int) {
	t.Helper()
	words := make([]string, len(names))
	for i := range words {
		words[i] = "abc"
	}
	s.must(t, "type", "names", names, "words", words)
	*length += 3 * len(names)
	s.must(t, "converge", "names", names, "length", *length)
}

func TestFaults(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]options{
		"core":   {layer: "core", server: "uvicorn", django: 2},
		"pubsub": {layer: "pubsub", server: "daphne", django: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, o)
			length := 0
			names := s.opened(t, 10)
			s.agree(t, names, &length)

			t.Log("the worker is replaced")
			s.worker.Stop(t)
			s.must(t, "insert", "name", names[0], "text", "!") // of the time without a worker
			s.worker.Restart(t)
			length++
			s.agree(t, names, &length)

			t.Log("the worker is killed")
			s.worker.Kill(t)
			s.must(t, "insert", "name", names[1], "text", "!")
			s.worker.Restart(t)
			length++
			s.agree(t, names, &length)

			t.Log("a Django process is restarted")
			s.django[0].Stop(t)
			s.django[0].Restart(t)
			s.await(t, 0)
			s.agree(t, names, &length)

			t.Log("a Django process is killed")
			s.django[1].Kill(t)
			s.must(t, "insert", "name", names[1], "text", "!") // it is not connected
			s.django[1].Restart(t)
			s.await(t, 1)
			length++
			s.agree(t, names, &length)

			t.Log("Redis is emptied")
			s.redisCommand(t, "FLUSHALL")
			s.agree(t, names, &length)

			t.Log("Redis is restarted")
			s.redis.Kill(t)
			s.redis.Restart(t)
			s.agree(t, names, &length)
		})
	}
}

// Django and the worker reach Redis with TLS, and follow a master that fails to its replica.
func TestRedis(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]options{
		"core, Sentinel":   {layer: "core", server: "uvicorn", master: true},
		"pubsub, Sentinel": {layer: "pubsub", server: "daphne", master: true},
		"core, TLS":        {layer: "core", server: "daphne", tls: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, length := start(t, o), 0
			names := s.opened(t, 2)
			s.agree(t, names, &length)
			if o.master {
				s.redis.Kill(t)
				s.agree(t, names, &length)
			}
		})
	}
}

// redisCommand calls a command of Redis.
func (s *site) redisCommand(t *testing.T, args ...string) string {
	t.Helper()
	cli := testkit.Program(t, "redis-cli", "apt-get install redis-tools")
	out, err := exec.Command(cli, append([]string{"-p", strconv.Itoa(s.redis.Port())}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("redis-cli %v: %v\n%s", args, err, out)
	}
	return fmt.Sprint(string(out))
}
