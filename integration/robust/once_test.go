package robust_test

import (
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// F27, A68, A69: 256 returns of one payment at once, by GET and POST.
func TestManyReturnsOfOnePayment(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "bounce off").start()
	id, ret := s.buy(harness.NewCustomer(t))
	s.fault(sandbox.Fault{Kind: "delay", MS: 300, Operation: "verify"})
	u, err := url.Parse(ret.URL)
	if err != nil {
		t.Fatal(err)
	}
	ref := u.Query().Get("payment_ref")
	body := u.Query()
	body.Del("payment_ref")
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 256},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	var codes tally
	var wait sync.WaitGroup
	gate := make(chan struct{})
	for i := range 256 {
		wait.Go(func() {
			b := &harness.Browser{Client: client}
			<-gate
			var p harness.Page
			var err error
			if i%2 == 0 {
				p, err = b.Try(http.MethodGet, ret.URL, "")
			} else {
				p, err = b.Try(http.MethodPost, s.site+"/back?payment_ref="+url.QueryEscape(ref), body.Encode())
			}
			if err != nil {
				codes.add(err.Error())
				return
			}
			codes.add(strconv.Itoa(p.Status))
			if p.Status != http.StatusOK && p.Status != http.StatusAccepted {
				t.Errorf("status %d", p.Status)
			}
		})
	}
	close(gate)
	wait.Wait()
	v := s.ledger(id).Verify
	if v.Calls != 1 || v.MaxInFlight != 1 || s.told(id) != 1 {
		t.Errorf("%d verify calls, %d at once, told %d times", v.Calls, v.MaxInFlight, s.told(id))
	}
	t.Logf("256 returns: %s", &codes)
}

// A7, F17: the browser has gone before the shop has finished.
func TestDeliveryRunsToItsEnd(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "").start()
	var mu sync.Mutex
	finished, aborted := 0, 0
	s.shop.SetAnswer(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(1500 * time.Millisecond):
			mu.Lock()
			finished++
			mu.Unlock()
		case <-r.Context().Done():
			mu.Lock()
			aborted++
			mu.Unlock()
		}
		_, _ = w.Write([]byte(strings.Repeat("x", 1<<20)))
	})
	id, ret := s.buy(harness.NewCustomer(t))
	u, err := url.Parse(ret.URL)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+u.Port())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]byte("GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nAccept: text/html\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	harness.Wait(t, "the shop is called", 30*time.Second, func() bool { return s.told(id) == 1 })
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = conn.Close()
	s.waitFor(id, "delivered", 15*time.Second)
	mu.Lock()
	defer mu.Unlock()
	if finished != 1 || aborted != 0 || s.told(id) != 1 {
		t.Errorf("finished %d, aborted %d, told %d", finished, aborted, s.told(id))
	}
}

// F17, rule 8: the browser has gone before the provider has answered, and the
// worker hands the payment over when its minute is up.
func TestNoBrowserLeft(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "", "provider idpay {", "provider idpay {\n\t\t\ttimeout 1s").start()
	// One leaves at once; another's provider settles and never answers.
	left, leftRet := s.buy(harness.NewCustomer(t))
	silent, silentRet := s.buy(harness.NewCustomer(t))
	s.fault(sandbox.Fault{Kind: "delay", MS: 500, Operation: "verify", Payment: left, Count: 1})
	s.fault(sandbox.Fault{Kind: "after", MS: 1500, Operation: "verify", Payment: silent, Count: 1})
	for id, ret := range map[string]*sandbox.Return{left: leftRet, silent: silentRet} {
		b := harness.NewCustomer(t)
		b.Client.Timeout = 200 * time.Millisecond
		harness.Wait(t, "the provider is asked", 20*time.Second, func() bool {
			if s.ledger(id).Verify.Calls > 0 {
				return true
			}
			if _, err := come(b, ret); err == nil {
				t.Error("the browser stayed")
			}
			return s.ledger(id).Verify.Calls > 0
		})
	}
	s.waitFor(left, "verified", 10*time.Second)
	s.waitFor(silent, "verified", 10*time.Second)
	if s.told(left)+s.told(silent) != 0 {
		t.Error("told before the minute was up")
	}
	s.waitFor(left, "delivered", 75*time.Second)
	s.waitFor(silent, "delivered", 75*time.Second)
	for _, id := range []string{left, silent} {
		if s.told(id) != 1 {
			t.Errorf("told %d times", s.told(id))
		}
	}
	if v := s.ledger(silent).Verify; v.First != 1 || v.Again != 1 {
		t.Errorf("%+v", v)
	}
	for _, r := range s.shop.Told() {
		if r.Header.Get("X-Payment-Via") != "worker" || r.Header.Get("X-Payment-Receipt") == "" {
			t.Errorf("%v", r.Header)
		}
	}
}

// F29: the whole process stands still past its lease while a provider answers.
func TestStoppedPastItsLease(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "").start()
	id, ret := s.buy(harness.NewCustomer(t))
	s.fault(sandbox.Fault{Kind: "delay", MS: 1000, Operation: "verify", Count: 1})
	done := make(chan harness.Page, 1)
	b := harness.NewCustomer(t)
	go func() {
		p, _ := come(b, ret)
		done <- p
	}()
	harness.Wait(t, "the provider is asked", 30*time.Second, func() bool { return s.ledger(id).Verify.Calls == 1 })
	s.Pause()
	time.Sleep(20 * time.Second)
	s.Resume()
	p := <-done
	if p.Status == http.StatusAccepted {
		harness.Wait(t, "the page that refreshes itself ends", 20*time.Second, func() bool {
			p = follow(t, b, p)
			return p.Status == http.StatusOK
		})
	}
	s.waitFor(id, "delivered", 10*time.Second)
	if s.told(id) != 1 {
		t.Errorf("told %d times", s.told(id))
	}
}

var refresh = regexp.MustCompile(`<meta http-equiv="refresh" content="\d+; ?url=([^"]+)"`)

// follow does what a page that refreshes itself makes a browser do.
func follow(t testing.TB, b *harness.Browser, p harness.Page) harness.Page {
	t.Helper()
	m := refresh.FindStringSubmatch(p.Body)
	if m == nil {
		if h := p.Header.Get("Refresh"); h != "" {
			_, to, _ := strings.Cut(h, "url=")
			m = []string{"", to}
		}
	}
	if m == nil {
		t.Fatalf("%s: status %d has no refresh:\n%s", p.URL, p.Status, p.Body)
	}
	to, err := p.URL.Parse(strings.ReplaceAll(m[1], "&amp;", "&"))
	if err != nil {
		t.Fatal(err)
	}
	return b.Get(to.String())
}
