package admin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// open makes a request that may take its time to the admin endpoint; the caller closes the
// answer.
func (c *cli) open(method, route string, q url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	return c.request(method, route, q, header, body, true)
}

// request is [cli.inquire] for a route of ours.
func (c *cli) request(method, route string, q url.Values, header http.Header, body io.Reader, knock bool) (*http.Response, error) {
	addr, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	if q == nil {
		q = url.Values{}
	}
	q.Set("lang", c.lang)
	if c.dryRun {
		q.Set("dry_run", "1")
	}
	resp, err := c.inquire(addr, method, prefix+route+"?"+q.Encode(), header, body, c.wait(patience), knock)
	if s := (*silent)(nil); errors.As(err, &s) {
		return nil, err
	}
	if err != nil {
		return nil, explainError(addr, err)
	}
	return resp, nil
}

var httpError = regexp.MustCompile(`(?s)^caddy responded with error: HTTP (\d{3}): (.*)$`)

// explainError takes apart the one text that Caddy's client makes of every
// error.
func explainError(addr string, err error) error {
	m := httpError.FindStringSubmatch(err.Error())
	if m == nil {
		return fmt.Errorf("no answer from the admin endpoint at %s (is Caddy running? see --address and --config): %w", addr, err)
	}
	code, _ := strconv.Atoi(m[1]) // three digits
	var body struct {
		Error string `json:"error"`
	}
	text := strings.TrimSpace(m[2])
	if json.Unmarshal([]byte(text), &body) == nil && body.Error != "" {
		text = body.Error
	} else if code == http.StatusNotFound {
		text = "the Caddy at " + addr + " has no payments module"
	}
	f := &failure{exitFailed, errors.New(text)}
	switch code {
	case http.StatusBadRequest:
		f.status = exitUsage
	case http.StatusConflict:
		f.status = exitNotPossible
	}
	return f
}

// get reads a JSON answer that the ledger gives at once.
func (c *cli) get(route string, q url.Values, into any) error {
	begun := time.Now()
	resp, err := c.request(http.MethodGet, route, q, nil, nil, false) //nolint:bodyclose // quickly closes it
	if err != nil {
		return err
	}
	return c.quickly(resp, into, begun)
}

// getSlowly reads a JSON answer for which Caddy may have to count or look around.
func (c *cli) getSlowly(route string, q url.Values, into any) error {
	resp, err := c.open(http.MethodGet, route, q, nil, nil)
	if err != nil {
		return err
	}
	return readJSON(resp, into)
}

// post sends a JSON body and reads a JSON answer.
func (c *cli) post(route string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encoding the request: %w", err)
	}
	resp, err := c.open(http.MethodPost, route, nil, nil, bytes.NewReader(b))
	if err != nil {
		return err
	}
	return readJSON(resp, into)
}

func readJSON(resp *http.Response, into any) error {
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("reading the admin endpoint's answer: %w", err)
	}
	return nil
}

// shown reads a JSON answer and prints it, for people or for programs.
func shown[T any](c *cli, get func(string, url.Values, any) error, route string, q url.Values, people func(T) error) error {
	var out T
	if err := get(route, q, &out); err != nil {
		return err
	}
	if !c.table() {
		return c.printJSON(out)
	}
	return people(out)
}

// printJSON is the form for pipes.
func (c *cli) printJSON(v any) error {
	enc := json.NewEncoder(c.out)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	return nil
}
