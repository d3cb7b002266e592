package consumer

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/yroom/yroom/protocol"
)

const (
	renewals      = 64               // that run at once
	renewTimeout  = 15 * time.Second // for a renewal
	renewAgain    = 5 * time.Second  // from a renewal that has failed to the next
	renewPatience = time.Minute      // for a renewal that fails to work again
)

// renewal says when and how an Admission of a Conn is renewed.
type renewal struct {
	renew func(context.Context) (Admission, error)

	// The socket's lock guards these.

	at      time.Time
	failing time.Time // since when it fails; zero if it doesn't
	running bool
}

// newRenewal returns nil for an Admission that isn't renewed.
func newRenewal(a Admission) *renewal {
	if a.Renew == nil {
		return nil
	}
	return &renewal{renew: a.Renew, at: a.RenewAt}
}

// due reports whether the renewal is to be run.
func (r *renewal) due(now time.Time) bool {
	return r != nil && !r.running && !now.Before(r.at)
}

// runRenewal renews the admission of the connection, or ends the connection.
func (c *Conn) runRenewal(r *renewal) {
	var a Admission
	err := c.guard("Admission.Renew", func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), renewTimeout)
		defer cancel()
		select {
		case c.consumer.renewals <- struct{}{}:
			defer func() { <-c.consumer.renewals }()
		case <-c.whenEnding():
			return errEnding
		case <-ctx.Done():
			return ctx.Err()
		}
		a, err = r.renew(ctx)
		return err
	})
	if err == nil {
		err = c.readmit(a, r)
	}
	if err == nil || c.isEnding() || c.mayFail(r, err) {
		return
	}
	c.end(refusedCause(err))
}

// mayFail reports whether the connection may go on although a renewal has failed: it will be
// tried again, or was overtaken by a newer token.
func (c *Conn) mayFail(r *renewal, err error) bool {
	now := time.Now()
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	if c.renewal != r {
		return true
	}
	if !isOutage(err) {
		return false
	}
	if r.failing.IsZero() {
		r.failing = now
	}
	r.running, r.at = false, now.Add(renewAgain)
	return now.Sub(r.failing) < renewPatience
}

// isOutage reports whether err doesn't refuse the client, but says that the decision
// could not be made.
func isOutage(err error) bool {
	if _, ok := errors.AsType[*protocol.CloseError](err); ok {
		return false
	}
	se, ok := errors.AsType[*StatusError](err)
	return !ok || se.Status >= http.StatusInternalServerError
}

// refusedCause returns the cause for a client that was admitted and is refused now.
func refusedCause(err error) cause {
	if ce, ok := errors.AsType[*protocol.CloseError](err); ok {
		return cause{CloseError: *ce}
	}
	code, reason := protocol.CloseTryLater, "the server can't find out whether you may still be in this room"
	if se, ok := errors.AsType[*StatusError](err); ok && !isOutage(err) {
		code, reason = protocol.CloseForbidden, se.Reason
		if se.Status == http.StatusUnauthorized {
			code = protocol.CloseUnauthorized
		}
	}
	return cause{CloseError: protocol.CloseError{Code: code, Reason: reason}, err: err}
}

// readmit replaces the admission of the connection by one for the same room and user. If
// the new one is from a renewal that a newer token has overtaken, it is ignored.
func (c *Conn) readmit(a Admission, from *renewal) error {
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	if from != nil && c.renewal != from {
		return nil
	}
	if a.Room != c.room || userName(a.User) != userName(c.user) {
		return &protocol.CloseError{Code: protocol.CloseForbidden, Reason: "the new authorization is for another room or user"}
	}
	c.renewing = c.renewing && a.Expires.Equal(c.expires) // the client has no newer token
	c.expires, c.name = a.Expires, a.Name
	c.renewal = newRenewal(a)
	c.setAccess(a.Access)
	return nil
}

// renew starts the renewals that are due. It doesn't block.
func (s *socket) renew(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	for _, c := range s.conns {
		if !c.ended && c.renewal.due(now) {
			c.renewal.running = true
			r := c.renewal
			s.background.Go(func() { c.runRenewal(r) })
		}
	}
}
