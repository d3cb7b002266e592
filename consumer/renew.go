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

// renewal says when and how the admission of a Conn is renewed.
type renewal struct {
	renew   func(context.Context) (Admission, error) // nil: never
	at      time.Time
	failing time.Time // since when it fails; zero if it doesn't
	running bool
}

// due reports whether the renewal is to be run.
func (r *renewal) due(now time.Time) bool {
	return r.renew != nil && !r.running && !now.Before(r.at)
}

// runRenewal renews the admission of the connection, or ends the connection.
func (c *Conn) runRenewal() {
	var a Admission
	err := c.guard("Admission.Renew", func() (err error) {
		ctx, cancel := context.WithTimeout(context.Background(), renewTimeout)
		defer cancel()
		select {
		case c.consumer.renewals <- struct{}{}:
			defer func() { <-c.consumer.renewals }()
		case <-c.ending:
			return errEnding
		case <-ctx.Done():
			return ctx.Err()
		}
		a, err = c.renewal.renew(ctx)
		return err
	})
	if err == nil {
		err = c.readmit(a)
	}
	if err == nil || c.isEnding() || c.mayFail(err) {
		return
	}
	c.end(refusedCause(err))
}

// mayFail reports whether the renewal, which has failed, will be tried again.
func (c *Conn) mayFail(err error) bool {
	if !isOutage(err) {
		return false
	}
	now := time.Now()
	c.socket.mu.Lock()
	defer c.socket.mu.Unlock()
	r := &c.renewal
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
	code, reason := protocol.CloseTryLater, "the server can't find out whether you may still be here"
	if se, ok := errors.AsType[*StatusError](err); ok && !isOutage(err) {
		code, reason = protocol.CloseForbidden, se.Reason
		if se.Status == http.StatusUnauthorized {
			code = protocol.CloseUnauthorized
		}
	}
	return cause{CloseError: protocol.CloseError{Code: code, Reason: reason}, err: err}
}

// readmit replaces the admission of the connection by one for the same room and user.
func (c *Conn) readmit(a Admission) error {
	if a.Room != c.room || userName(a.User) != userName(c.user) {
		return &protocol.CloseError{Code: protocol.CloseForbidden, Reason: "the new authorization is for another room or user"}
	}
	c.socket.mu.Lock()
	c.renewing = c.renewing && a.Expires.Equal(c.expires) // the client has no newer token
	c.expires, c.name = a.Expires, a.Name
	c.renewal = renewal{renew: a.Renew, at: a.RenewAt}
	c.socket.mu.Unlock()
	c.SetAccess(a.Access)
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
			s.background.Go(c.runRenewal)
		}
	}
}
