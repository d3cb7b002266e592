package auth

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// checkAddress returns an error unless address, of which what says what it is, is an http or
// https address.
func checkAddress(address, what string) error {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("auth: the address %s must begin with http:// or https://", what)
	}
	return nil
}

// noRedirect is a http.Client.CheckRedirect that follows no redirect.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// fetched is a response.
type fetched struct {
	status      int
	contentType string
	body        []byte
}

// fetch sends a GET request with a header, which it owns, and returns the response, whose
// body has most bytes at most. The client must have a timeout: several callers may wait for
// the response, and one that gives up doesn't end the request. The error doesn't have the
// address, which may hold a password.
func fetch(client *http.Client, address string, header http.Header, most int64) (f fetched, err error) {
	r, err := http.NewRequest(http.MethodGet, address, http.NoBody) //nolint:noctx // see above
	if err != nil {
		return f, errors.New("the address can't be used")
	}
	if header != nil {
		r.Header = header
	}
	response, err := client.Do(r)
	if err != nil {
		return f, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, most+1))
	if err != nil {
		return f, withoutURL(err)
	}
	if int64(len(body)) > most {
		return f, fmt.Errorf("the answer has more than %d bytes", most)
	}
	return fetched{response.StatusCode, response.Header.Get("Content-Type"), body}, nil
}

// withoutURL returns the cause of an error of package net/http without the address.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
