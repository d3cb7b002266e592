package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/gobwas/ws"
)

const pause = 100 * time.Millisecond // before a client asks a busy server again

// BusyError means that the server asks its clients to come back later.
type BusyError struct{ error }

// dial opens a WebSocket. If the server refuses it, the error has what the server says.
func (t *Target) dial(ctx context.Context, client int, room string, clock func() time.Duration) (*socket, error) {
	address, err := t.address(client, room)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, t.patience())
	defer cancel()
	var refused error
	dialer := ws.Dialer{
		NetDial: dialFrom(client),
		Header:  ws.HandshakeHeaderHTTP(t.Header),
		OnStatusError: func(status int, _ []byte, response io.Reader) {
			refused = refusal(status, response)
		},
	}
	conn, early, _, err := dialer.Dial(ctx, address)
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", withoutQuery(address), err)
	}
	var first []byte
	if early != nil { // it has frames that arrived with the answer to the upgrade
		first, _ = early.Peek(early.Buffered())
	}
	return newSocket(conn, first, clock), nil
}

// withoutQuery returns an address without its query, which may hold a token.
func withoutQuery(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// refusal returns the error of a response that is not an upgrade.
func refusal(status int, response io.Reader) error {
	err := fmt.Errorf("the server answers %d %s", status, http.StatusText(status))
	if r, failed := http.ReadResponse(bufio.NewReader(response), nil); failed == nil {
		defer func() { _ = r.Body.Close() }()
		if text, _ := io.ReadAll(io.LimitReader(r.Body, 300)); len(text) > 0 { // what can be read is shown
			err = fmt.Errorf("%w: %s", err, strings.TrimSpace(string(text)))
		}
	}
	if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
		return &BusyError{err}
	}
	return err
}

// hasEnded reports whether an error of a connection says that it has ended, or could not be
// made, as while a process of the server is restarted.
func hasEnded(err error) bool {
	_, network := errors.AsType[*net.OpError](err)
	return network || isBusy(err) || errors.Is(err, errCut) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// isBusy reports whether a client that has failed with err is to come back.
func isBusy(err error) bool {
	if _, ok := errors.AsType[*BusyError](err); ok {
		return true
	}
	closed, ok := errors.AsType[*ClosedError](err)
	return ok && (closed.Code == 1012 || closed.Code == 1013 || closed.Code == 4205)
}
