package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// healthCmd asks a process for its health. The image that the Dockerfile builds has no
// other program that could.
type healthCmd struct {
	URL string `arg:"" help:"Address of /healthz or /readyz, such as http://127.0.0.1:8000/readyz."`
}

const healthTimeout = 5 * time.Second

// Run returns an error unless the answer is 200.
func (c healthCmd) Run() error {
	if u, err := url.Parse(c.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" ||
		!strings.HasSuffix(u.Path, "/healthz") && !strings.HasSuffix(u.Path, "/readyz") {
		return fmt.Errorf("want an address such as http://127.0.0.1:8000/readyz, not %q", c.URL)
	}
	ctx, cancel := context.WithTimeout(context.Background(), healthTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL, http.NoBody)
	if err != nil {
		return err
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }} // a login page is not healthy
	resp, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	why, err := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	if resp.StatusCode != http.StatusOK || err != nil {
		return fmt.Errorf("%s: %s", resp.Status, strings.TrimSpace(string(why)))
	}
	return nil
}
