package load

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"sync/atomic"
	"time"
)

// Join is people who open a room that has a document: one after another during the span, or
// many at once.
type Join struct {
	Document *Document
	People   int // how many join at once; 1: one after another
	Span     time.Duration
}

// Run measures a server. With an error, the report has what was measured until then, or is
// nil.
func (j Join) Run(ctx context.Context, target Target) (*Report, error) {
	if j.People < 1 {
		return nil, fmt.Errorf("there have to be people, not %d", j.People)
	}
	if err := checkFiles(j.People); err != nil {
		return nil, err
	}
	c := target.gather(ctx)
	defer c.leave()
	joins := &joins{crowd: c, room: c.room(0), document: j.Document, seed: maphash.MakeSeed()}
	if err := c.bring(j.Document, joins.room); err != nil {
		return nil, err
	}
	before, err := usageOf(target.PIDs)
	if err != nil {
		return nil, err
	}
	forgetPeak(target.PIDs)
	end, err := c.begin()
	if err != nil {
		return nil, err
	}
	if j.People == 1 {
		err = joins.inTurn(j.Span)
	} else {
		err = joins.atOnce(j.People)
	}
	m, failed := end()
	if err == nil {
		err = failed
	}
	r := &Report{Scenario: "join", Dialect: target.Dialect}
	r.add("document_kb", kilobytes(int64(len(j.Document.update))))
	r.add("joins", float64(joins.late.count()))
	r.addLatencies("join", &joins.late)
	r.addMeasured(m, target.PIDs)
	if n := joins.late.count(); n > 0 && len(target.PIDs) > 0 {
		r.add("server_cpu_ms_per_join", milliseconds(m.cpu)/float64(n))
		r.addPeak(m.end, before)
	}
	if err == nil {
		r.add("clients_compared", float64(joins.late.count()))
	}
	return r, err
}

// joins is the clients of a Join.
type joins struct {
	crowd    *crowd
	room     string
	document *Document
	seed     maphash.Seed

	late latencies // until the document is there
	good []uint64  // hashes of what was compared with the document
}

func (j *joins) joiner(keeps bool) *joiner {
	one := newJoiner(j.crowd)
	one.keeps = keeps
	one.hash.SetSeed(j.seed)
	return one
}

// inTurn lets one person join after another.
func (j *joins) inTurn(span time.Duration) error {
	var joined atomic.Int64
	stop := j.crowd.report(func() string { return fmt.Sprintf("%d clients have joined", joined.Load()) })
	defer stop()
	for since := time.Now(); time.Since(since) < span; joined.Add(1) {
		one, began := j.joiner(true), j.crowd.now()
		client, err := j.crowd.enter(j.room, one)
		if err != nil {
			return err
		}
		j.late.add(time.Duration(one.in.Load()) - began)
		client.leave()
		if err := j.check(one); err != nil {
			return err
		}
	}
	return nil
}

// mostKept is how many of the people who join at once keep what they are sent.
const mostKept = 3

// atOnce lets people join at the same time.
func (j *joins) atOnce(people int) error {
	all := make([]*joiner, people)
	for i := range all {
		all[i] = j.joiner(i < mostKept)
	}
	in := func() (n int64) {
		for _, one := range all {
			n += one.isIn()
		}
		return n
	}
	stop := j.crowd.report(func() string { return fmt.Sprintf("joining: %d of %d clients", in(), people) })
	defer stop()
	began := j.crowd.now()
	clients := make([]*client, people)
	err := j.crowd.each(people, people, func(i int) (err error) {
		clients[i], err = j.crowd.join(j.room, all[i])
		return err
	})
	if err == nil {
		err = j.crowd.await(int64(people), in)
	}
	for _, one := range all {
		if at := time.Duration(one.in.Load()); at > 0 {
			j.late.add(at - began)
		}
	}
	if err != nil {
		return fmt.Errorf("%d of %d clients have joined: %w", in(), people, err)
	}
	for i, one := range all {
		clients[i].leave()
		if err := j.check(one); err != nil {
			return err
		}
	}
	return nil
}

// check returns an error unless the joiner was sent the document. What was compared once is
// known by its hash from then on.
func (j *joins) check(one *joiner) error {
	sum := one.hash.Sum64()
	if slices.Contains(j.good, sum) {
		return nil
	}
	if !one.keeps {
		return fmt.Errorf("a client was sent other bytes than the first %d clients, and has not kept them to be compared: let at most %[1]d clients join at once", mostKept)
	}
	if err := j.document.compare(one); err != nil {
		return err
	}
	j.good = append(j.good, sum)
	return nil
}
