package robust_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

const (
	// connections are how many stand at the door at once.
	connections = 3000
	// answerWithin and stopWithin are bounds, not measures.
	answerWithin = 45 * time.Second
	stopWithin   = 25 * time.Second
)

// A crowd at once, of returns, visits that are kept and presses of Pay: everybody is
// answered, and the process stops when it is told, with the crowd at the door as
// well as after it.
func TestCrowd(t *testing.T) {
	s := newStand(t, "idpay", "")
	s.text = strings.Replace(s.text, "payments {\n\t\tcheckout", "payments {\n\t\ttrack {\n\t\t\tkeep store\n\t\t}\n\t\tcheckout", 1)
	// A thousand connections at once to a shop on a slow machine: some take longer
	// than the three seconds that Caddy gives them by default.
	s.text = strings.Replace(s.text, "reverse_proxy "+s.shop.URL, "reverse_proxy "+s.shop.URL+" {\n\t\ttransport http {\n\t\t\tdial_timeout 40s\n\t\t}\n\t}", 1)
	// Built without the race detector: where the processors are so busy that net/http
	// waits for 200 ms to see that a request has no body, Caddy's proxy clears the
	// empty map of its trailers while they are written, which harms nothing.
	s.prepare()
	s.Bin = harness.Plain(t)
	s.Caddy.Start()
	site, err := url.Parse(s.site)
	if err != nil {
		t.Fatal(err)
	}
	returns := s.paidReturns(site, 300)

	var kinds [4]tally
	began := time.Now()
	all := s.atOnce(site, connections, func(i int) *http.Request {
		switch i % 3 {
		case 0:
			return ask(t, http.MethodGet, fmt.Sprintf("%s/product-%d?track_id=visitor%06d", s.site, i%50, i), "")
		case 1:
			return ask(t, http.MethodPost, s.site+"/buy/mug", "")
		}
		switch n := i / 3; {
		case n < len(returns):
			return ask(t, returns[n].Method, returns[n].URL, form(returns[n]).Encode())
		case n >= 2*len(returns):
			return ask(t, http.MethodGet, fmt.Sprintf("%s/product-%d?track_id=visitor%06d", s.site, i%50, i), "")
		}
		return ask(t, http.MethodGet, fmt.Sprintf("%s/back?status=10&track_id=1&id=%032x&order_id=made-up-%d&amount=50000", s.site, i, i), "")
	}, func(i int, status int, err error) {
		kind := i % 3
		switch n := i / 3; {
		case kind == 2 && n >= 2*len(returns):
			kind = 0
		case kind == 2 && n >= len(returns):
			kind = 3
		}
		kinds[kind].add(fmt.Sprint(status))
		switch {
		case err != nil:
			t.Errorf("connection %d was not answered: %v", i, err)
		case kind == 0 && status != http.StatusOK:
			t.Errorf("a visit got %d", status)
		case kind == 1 && status != http.StatusSeeOther && status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable:
			t.Errorf("a press of Pay got %d", status)
		case kind == 2 && status != http.StatusOK && status != http.StatusAccepted:
			t.Errorf("a customer who has paid got %d", status)
		}
	})
	if !all() {
		t.Fatalf("not everybody was answered within %s", answerWithin)
	}
	t.Logf("%d connections in %s: visits %s, presses %s, paid returns %s, invented ones %s", connections, time.Since(began).Round(time.Millisecond),
		&kinds[0], &kinds[1], &kinds[2], &kinds[3])
	// Nothing but the provider's word tells the two apart: they are asked for at the
	// pace of strangers, ten a second.
	harness.Wait(t, "all that were paid are delivered", 120*time.Second, func() bool {
		seen := map[string]bool{}
		for _, r := range s.shop.Told() {
			seen[r.Header.Get("X-Payment-Id")] = true
		}
		return len(seen) == len(returns)
	})
	s.stops("after the crowd")

	// Once more, and told to stop in the middle of it.
	s.Caddy.Start()
	all = s.atOnce(site, connections, func(i int) *http.Request {
		if i%2 == 0 {
			return ask(t, http.MethodGet, fmt.Sprintf("%s/page?track_id=another%06d", s.site, i), "")
		}
		return ask(t, http.MethodPost, s.site+"/buy/mug", "")
	}, func(int, int, error) {}) // cut off or answered, but not left hanging
	time.Sleep(200 * time.Millisecond)
	s.stops("with a crowd at the door")
	if !all() {
		t.Error("somebody is left hanging by a process that has stopped")
	}
}

// stops tells the process to stop and waits until it has.
func (s *stand) stops(when string) {
	s.t.Helper()
	began := time.Now()
	stopped := make(chan struct{})
	go func() { defer close(stopped); s.Stop() }()
	select {
	case <-stopped:
		s.t.Logf("stopped %s in %s", when, time.Since(began).Round(time.Millisecond))
	case <-time.After(stopWithin):
		s.t.Fatalf("%s the process does not stop", when)
	}
}

func ask(t *testing.T, method, address, body string) *http.Request {
	t.Helper()
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r, err := http.NewRequest(method, address, in)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("Sec-Fetch-Dest", "document")
	r.Close = true
	return r
}

// atOnce opens so many connections, each from a client of its own, and sends on all
// of them at the same time. The function that it returns waits until all were
// answered, and reports whether they were in time.
func (s *stand) atOnce(site *url.URL, n int, request func(i int) *http.Request, done func(i, status int, err error)) func() bool {
	s.t.Helper()
	conns := make([]net.Conn, n)
	requests := make([]*http.Request, n)
	for i := range conns {
		c, err := from(i).Dial("tcp", site.Host)
		if err != nil {
			s.t.Fatal(err)
		}
		conns[i], requests[i] = c, request(i)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	gate := make(chan struct{})
	end := time.Now().Add(answerWithin)
	for i, c := range conns {
		all.Go(func() {
			defer c.Close()
			_ = c.SetDeadline(end)
			<-gate
			status, err := exchange(c, requests[i])
			mu.Lock()
			defer mu.Unlock()
			done(i, status, err)
		})
	}
	close(gate)
	return func() bool {
		all.Wait()
		return time.Now().Before(end)
	}
}

// from is a dialer of client i's own: what is bounded is bounded per client.
func from(i int) *net.Dialer {
	return &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(i/250), byte(1+i%250))}, Timeout: 10 * time.Second}
}

func exchange(c net.Conn, r *http.Request) (status int, err error) {
	if err := r.Write(c); err != nil {
		return 0, err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), r)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, errors.Join(err, res.Body.Close())
}

// paidReturns are customers who have paid and are about to come back.
func (s *stand) paidReturns(site *url.URL, n int) []*sandbox.Return {
	s.t.Helper()
	returns := make([]*sandbox.Return, n)
	var all sync.WaitGroup
	turns := make(chan struct{}, 16)
	for i := range returns {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			client := http.Client{
				Transport:     &http.Transport{DialContext: from(10_000 + i).DialContext, DisableKeepAlives: true},
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
				Timeout:       30 * time.Second,
			}
			res, err := client.Do(ask(s.t, http.MethodPost, "http://"+site.Host+"/buy/mug", ""))
			if err != nil {
				s.t.Error(err)
				return
			}
			_ = res.Body.Close()
			link := res.Header.Get("Location")
			acted, err := s.box.Act(link[strings.LastIndexByte(link, '/')+1:], "pay")
			if err != nil || acted.Return == nil {
				s.t.Errorf("paying at %q (%s): %v", link, res.Status, err)
				return
			}
			returns[i] = acted.Return
		})
	}
	all.Wait()
	if s.t.Failed() {
		s.t.FailNow()
	}
	return returns
}
