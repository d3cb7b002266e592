package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/yroom/yroom/store"
)

// The pauses after attempts that have failed.
const (
	firstPause = 5 * time.Second // doubled after each attempt
	lastPause  = 10 * time.Minute
)

// retryPause returns how long to wait after a failed attempt. failed is how many attempts had
// failed before it.
func retryPause(failed int) time.Duration {
	return min(firstPause<<min(failed, 20), lastPause)
}

// errLate means that so much of a lease has passed that a request could outlast it.
var errLate = errors.New("not sent: reading the event and the room took so long that the lease could end during the request")

// deliver makes an attempt to deliver a notice, whose lease did not begin before this time, and
// tells the store the result.
func (f *feed) deliver(ctx context.Context, n store.Notice, began time.Time) {
	q, err := f.requestFor(ctx, n)
	if err == nil && time.Since(began) > (leases-1)*f.hook.Timeout {
		err = errLate
	}
	if err == nil && q != nil {
		err = f.send(ctx, q)
	}
	// What is done must be stored, even if ctx has ended.
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.hook.Timeout)
	defer cancel()
	switch {
	case err == nil:
		f.succeeded(q != nil)
		err = f.store.RemoveNotice(storing, n)
	case ctx.Err() != nil:
		err = f.store.RetryNotice(storing, n, "", 0)
	case n.Taken.Sub(n.Last) >= f.hook.GiveUpAfter && n.Taken.Sub(n.Replayed) >= f.hook.GiveUpAfter:
		f.failed(err)
		f.log.Error("A request of a webhook has failed for so long that it is given up. Once the receiver works, run yroom webhooks replay.",
			"room", n.Room, "event", string(EventOf(n.Kind)), "error", err)
		err = f.store.GiveUpNotice(storing, n, short(err))
	default:
		f.failed(err)
		pause := retryPause(n.Attempts)
		err = f.store.RetryNotice(storing, n, short(err), pause*9/10+rand.N(pause/5)) // not all at once
	}
	if err != nil {
		f.log.Warn("The store could not record the result of a webhook's request. The request is sent again. Check the store.",
			"room", n.Room, "event", string(EventOf(n.Kind)), "error", err)
	}
}

// send sends a request. The error is nil if it was answered with a status of the class 2xx.
func (f *feed) send(ctx context.Context, q *request) error {
	ctx, cancel := context.WithTimeout(ctx, f.hook.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.hook.URL, bytes.NewReader(q.body))
	if err != nil {
		return errors.New("the address can't be used")
	}
	now := time.Now()
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "yroom")
	r.Header.Set("Webhook-Id", q.id)
	r.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("Webhook-Signature", f.hook.Secret.sign(q.id, now, q.body))
	answer, err := f.client.Do(r)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.CopyN(io.Discard, answer.Body, 16<<10) // so that the connection can be used again
	switch answer.StatusCode / 100 {
	case 2:
		return nil
	case 3:
		return fmt.Errorf("it answered with the status %d, and redirects are not followed", answer.StatusCode)
	}
	return fmt.Errorf("it answered with the status %d", answer.StatusCode)
}

// withoutURL returns the cause of an error of package net/http without the address, which may have
// a password.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return errors.New("it did not answer in time")
	}
	return err
}

// short returns the text of an error, for the store.
func short(err error) string {
	const most = 300
	text := err.Error()
	if len(text) > most {
		text = text[:most] + "…"
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
}

// succeeded notes an attempt that has succeeded. sent reports whether there was a request.
func (f *feed) succeeded(sent bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !sent {
		return
	}
	if f.failing > 0 {
		f.log.Info("A webhook works again.", "failed_attempts", f.failing)
	}
	f.failing = 0
	f.done.Delivered++
}

// failed notes an attempt that has failed. The first of several is logged.
func (f *feed) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing == 0 {
		f.log.Warn("A request of a webhook has failed. It is sent again.", "error", err)
	}
	f.failing++
	f.done.Failed++
}
