// Package cluster_test runs whole clusters of real processes, with real brokers, a real
// PostgreSQL and stock clients, and breaks them.
package cluster_test

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yroom/yroom/blocks"
	"github.com/yroom/yroom/internal/testkit"
	"github.com/yroom/yroom/store"
)

var (
	duration = flag.Duration("chaos", 20*time.Second, "how long TestChaos breaks each cluster")
	seed     = flag.Uint64("seed", 0, "seed of the schedule of faults; 0: a random one")
)

const (
	rooms         = 20
	clientsOfRoom = 3
	// healing is how long after the last fault clients may have different documents.
	healing = 20 * time.Second
	// expiring is how long a client may still see another client that has left, if the
	// consumer and the worker of the other one have died: stock clients remove it after
	// 30 s, and check that every 3 s.
	expiring = 35 * time.Second
	// answering is how long a command to the clients may take.
	answering = time.Minute
)

var program string // the path of the yroom binary

func TestMain(m *testing.M) { testkit.MainWithProgram(m, &program) }

// While processes and the network fail, no edit that another client has seen is lost.
// Afterwards all clients are in the same state. Clients stay connected when workers end.
func TestChaos(t *testing.T) {
	for _, e := range []engine{overRedis, overNATS} {
		t.Run(e.name, func(t *testing.T) { newCluster(t, e, 3, 2).run(all) })
	}
}

// chaos is a cluster that is broken while clients use it.
type chaos struct {
	*cluster

	random  *rand.Rand
	people  *testkit.Node
	probes  []*probe
	windows []window
	figures figures
	near    uint64 // how often a process was silent for half of the time after which it is given up, without a fault that explains it
}

// window is a time in which a fault has its effects.
type window struct {
	*fault

	from, to time.Time
	address  string // of the consumer whose sockets the fault may close; empty: those of all
}

// run breaks the cluster for some time, and checks it.
func (c *cluster) run(faults []*fault) {
	if *seed == 0 {
		*seed = rand.Uint64() | 1
	}
	c.Logf("-seed %d", *seed)
	h := &chaos{cluster: c, figures: figures{}, random: rand.New(rand.NewPCG(*seed, 0))}
	h.begin()
	ctx, cancel := context.WithCancel(c.Context())
	var living sync.WaitGroup
	defer living.Wait()
	defer cancel()
	for _, p := range h.probes {
		living.Go(func() { p.live(ctx) })
		living.Go(func() { p.typeOn(ctx) })
		p.typing.Store(true)
	}
	deck := deck{of: faults, random: h.random}
	for end := time.Now().Add(*duration); time.Now().Before(end) && !c.Failed(); {
		h.replace()
		h.rest()
		h.suffer(deck.draw()...)
		h.try(h.audit(h.probes[h.random.IntN(rooms)]))
	}
	h.heal()
	h.report()
}

// rest measures for a while how fast the rooms answer, once they have moved to a worker
// that has been started.
func (h *chaos) rest() {
	time.Sleep(time.Second)
	from := time.Now()
	time.Sleep(300*time.Millisecond + time.Duration(h.random.Int64N(int64(2*time.Second))))
	for _, p := range h.probes {
		h.figures.add(untouched, p.longest(from, time.Now()))
	}
}

// try fails the test if there is an error.
func (h *chaos) try(err error) {
	h.Helper()
	if err != nil {
		h.Error(err)
	}
}

// begin connects the clients.
func (h *chaos) begin() {
	h.Helper()
	testkit.RequireNode(h, "..", "yjs", "ws")
	h.people = testkit.StartNode(h, "people.mjs", fmt.Sprint(h.random.Int32()))
	var names []string
	for i := range rooms {
		name := fmt.Sprintf("room-%d", i)
		names = append(names, name)
		addresses := h.addresses()
		h.probes = append(h.probes, newProbe(uint64(1+i), addresses[i%len(addresses)], name))
	}
	h.ask(map[string]any{"do": "join", "rooms": names, "addresses": h.addresses(), "each": clientsOfRoom}, nil)
	h.converge()
	h.ask(map[string]any{"do": "type", "on": true}, nil)
}

// ask sends a command to the clients.
func (h *chaos) ask(command map[string]any, answer any) {
	h.Helper()
	var ignored any
	if answer == nil {
		answer = &ignored
	}
	h.people.Ask(h, answering, command, answer)
}

// converge waits until the clients of each room have the same document, and then until
// they see each other.
func (h *chaos) converge() {
	h.Helper()
	began := time.Now()
	h.await(healing, h.pending)
	synced := time.Since(began)
	// A stock client that has reconnected doesn't see the states of the others until these
	// change.
	h.ask(map[string]any{"do": "move"}, nil)
	h.await(expiring, h.absent)
	h.Logf("all clients have the same document after %v, and see each other after %v", synced.Round(time.Millisecond),
		time.Since(began).Round(time.Millisecond))
}

// pending returns why the clients don't have the same documents yet, or "".
func (h *chaos) pending() (why string) {
	h.ask(map[string]any{"do": "pending"}, &why)
	for _, p := range h.probes {
		if n := p.waits(); n > 0 && why == "" {
			return fmt.Sprintf("%s: %d edits of the probe have not returned", p.room, n)
		}
	}
	return why
}

// absent returns why the clients don't see each other's states yet, or "".
func (h *chaos) absent() (why string) {
	h.ask(map[string]any{"do": "absent"}, &why)
	return why
}

// await waits until pending returns "".
func (h *chaos) await(most time.Duration, pending func() string) {
	h.Helper()
	for end := time.Now().Add(most); ; time.Sleep(100 * time.Millisecond) {
		why := pending()
		if why == "" {
			return
		}
		if time.Now().After(end) {
			h.Fatalf("not after %v: %s", most, why)
		}
	}
}

// vanish ends a consumer while clients of it, and of others, leave. All workers know the
// states of these clients, so those that stay see soon that they have left.
func (h *chaos) vanish() {
	h.Helper()
	c := h.consumers[0]
	from := time.Now()
	c.kill()
	for _, p := range h.probes[:rooms/2] {
		h.ask(map[string]any{"do": "replace", "room": p.room}, nil)
	}
	h.try(c.restart())
	h.windows = append(h.windows, window{killConsumer, from, time.Now(), "ws://" + c.host})
	h.await(healing, h.pending)
	time.Sleep(time.Until(from.Add(healing / 4))) // the workers have given it up
	h.ask(map[string]any{"do": "move"}, nil)
	h.await(healing/4, h.absent)
	h.Logf("clients that vanished with a consumer were gone after %v", time.Since(from).Round(time.Millisecond))
}

// replace lets clients leave, and others come.
func (h *chaos) replace() {
	for range 2 {
		room := h.probes[h.random.IntN(rooms)].room
		h.ask(map[string]any{"do": "replace", "room": room, "all": h.random.IntN(3) == 0}, nil)
	}
}

// audit returns an error unless the stored documents of the rooms have all that the
// server has sent to the probes.
func (h *chaos) audit(probes ...*probe) error {
	for _, p := range probes {
		received := p.received()
		doc, err := h.stored(p.room)
		if err != nil {
			return err
		}
		all, err := doc.Contains(received, blocks.V1)
		if err != nil {
			return fmt.Errorf("room %s: %w", p.room, err)
		}
		if !all {
			return fmt.Errorf("room %s: the store lacks what a client has received: it has %x", p.room, doc.StateVector())
		}
	}
	return nil
}

// stored returns the stored document of a room.
func (h *chaos) stored(room string) (*blocks.Store, error) {
	log, err := h.documents.Load(h.Context(), room)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	doc := blocks.New()
	for _, e := range log.Entries {
		if _, err := doc.Apply(e.Data, blocks.Encoding(e.Encoding)); err != nil {
			return nil, fmt.Errorf("room %s: %w", room, err)
		}
	}
	return doc, nil
}

// heal ends typing, and checks that everything is as it should be.
func (h *chaos) heal() {
	h.Helper()
	h.ask(map[string]any{"do": "type", "on": false}, nil)
	for _, p := range h.probes {
		p.typing.Store(false)
	}
	h.converge()
	h.try(h.audit(h.probes...))
	h.vanish()
	for _, p := range h.probes {
		doc, err := h.stored(p.room)
		if err != nil {
			h.Fatal(err)
		}
		var faults []string
		h.ask(map[string]any{"do": "compare", "room": p.room, "stored": base64.StdEncoding.EncodeToString(doc.Encode(blocks.V1))}, &faults)
		if len(faults) > 0 {
			h.Errorf("%s:\n%s", p.room, strings.Join(faults, "\n"))
		}
	}
	h.checkClosed()
}
