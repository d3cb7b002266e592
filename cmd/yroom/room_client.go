package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/yroom/yroom/api"
	"github.com/yroom/yroom/event"
)

// roomAddress returns the address of a room in the API, from the server's root. room is
// the name of the room, or shownName of it.
func roomAddress(room string) string { return apiPrefix + api.RoomPath(unshownName(room)) }

// unshownName returns the name of a room that may be given as shownName prints it.
func unshownName(room string) string {
	if name, err := strconv.Unquote(room); err == nil && event.CheckName(name) != nil {
		return name
	}
	return room
}

// shownName returns the name of a room as it is printed: with quotes and escapes if it has
// invisible characters, as names that an earlier version has accepted may have.
func shownName(room string) string {
	if event.CheckName(room) != nil {
		return strconv.QuoteToASCII(room)
	}
	return room
}

// apiClient sends requests to the document API of a server.
type apiClient struct {
	base  string // without a slash at its end
	token string
	http  *http.Client
}

func newAPIClient(server, token string) (*apiClient, error) {
	base, err := url.Parse(server)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil {
		return nil, fmt.Errorf("server %q: want an address such as http://127.0.0.1:8000", server)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 5 * time.Minute // the server may need long to store a large update
	return &apiClient{
		base:  strings.TrimSuffix(server, "/"),
		token: token,
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// body is the body of a request. A size of -1 means that it is not known.
type body struct {
	io.Reader

	size int64
}

// do sends a request. If the status is not 2xx, the error has the problem's text.
// Otherwise the caller must close the response's body.
func (c *apiClient) do(ctx context.Context, method, address string, header http.Header, content *body) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+address, http.NoBody)
	if err != nil {
		return nil, err
	}
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if content != nil {
		r.Body, r.ContentLength = io.NopCloser(content), content.size
		r.Header.Set("Expect", "100-continue") // the server can refuse the request before the body is sent
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer func() { _ = resp.Body.Close() }()
	if to, err := resp.Location(); err == nil && resp.StatusCode/100 == 3 {
		return nil, fmt.Errorf("the server redirects to %s: use that address", strings.TrimSuffix(to.String(), address))
	}
	return nil, refusal(resp)
}

// refusal returns the problem in a response as an error.
func refusal(resp *http.Response) error {
	var problem api.Problem
	text, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil {
		err = json.Unmarshal(text, &problem)
	}
	if err != nil || problem.Title == "" {
		return fmt.Errorf("the server answers %s: is it yroom's address?", resp.Status)
	}
	message := problem.Title + ". " + problem.Detail
	if len(problem.Choices) > 0 {
		message += " (" + strings.Join(problem.Choices, ", ") + ")"
	}
	switch resp.StatusCode {
	case http.StatusGone, http.StatusPreconditionFailed:
		return exitError{errors.New(message), exitRoom}
	case http.StatusNotFound:
		if problem.Name() == "no-such-room" {
			return exitError{errors.New(message), exitRoom}
		}
	}
	return errors.New(message)
}

// send is do without a response body.
func (c *apiClient) send(ctx context.Context, method, address string, header http.Header, content *body) error {
	resp, err := c.do(ctx, method, address, header, content)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// getJSON decodes a response into to.
func (c *apiClient) getJSON(ctx context.Context, address string, to any) error {
	resp, err := c.do(ctx, http.MethodGet, address, nil, nil)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	return json.NewDecoder(resp.Body).Decode(to)
}
