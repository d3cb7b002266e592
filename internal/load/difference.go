package load

import (
	"errors"
	"fmt"
	"strings"
)

// receiver is a person who has to receive what others send.
type receiver interface {
	person

	// expected returns how much has to arrive.
	expected() int64
	// received returns how much of it has arrived.
	received() int64
	// lacks describes something that has not arrived, or returns "". The connection must have
	// ended.
	lacks() string
	// place returns the name of the room.
	place() string
}

// settle waits until all has arrived that has to. If that doesn't happen, the crowd leaves,
// and the error says which people lack what.
func settle[P receiver](c *crowd, people []P) error {
	all := int64(0)
	for _, p := range people {
		all += p.expected()
	}
	err := c.await(all, func() int64 { return received(people) })
	if !errors.Is(err, errStuck) {
		return err
	}
	c.leave()
	return fmt.Errorf("the clients don't have the same document %v after the last message has arrived: %w", c.patience(), difference(people))
}

// received returns how much has arrived at people.
func received[P receiver](people []P) (n int64) {
	for _, p := range people {
		n += p.received()
	}
	return n
}

// mostShown bounds how many people an error names.
const mostShown = 5

// difference returns an error that says which people lack what.
func difference[P receiver](people []P) error {
	var lines []string
	lacking := 0
	for i, p := range people {
		what := p.lacks()
		if what == "" {
			continue
		}
		if lacking++; lacking <= mostShown {
			lines = append(lines, fmt.Sprintf("client %d, in the room %s, lacks %s", i, p.place(), what))
		}
	}
	if lacking > mostShown {
		lines = append(lines, fmt.Sprintf("and %d others lack something", lacking-mostShown))
	}
	return errors.New(strings.Join(lines, "; "))
}

// checkNewcomer lets another person join, and returns an error unless all arrives that has
// to.
func (c *crowd) checkNewcomer(p receiver) error {
	one, err := c.join(p.place(), p)
	if err != nil {
		return err
	}
	err = c.await(p.expected(), p.received)
	one.leave()
	if errors.Is(err, errStuck) {
		return fmt.Errorf("a client that joins now is not sent the whole document: %w", difference([]receiver{p}))
	}
	return err
}
