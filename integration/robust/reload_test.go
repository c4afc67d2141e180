package robust_test

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// cuts counts connections that were cut before an answer. Caddy itself does that
// at a reload, without any module as well: connections that wait at the old
// listener are reset when it closes. Browsers repeat them.
type cuts struct{ n atomic.Int32 }

func (c *cuts) retry(try func() error) (err error) {
	for range 10 {
		err = try()
		var cut *url.Error
		if !errors.As(err, &cut) {
			return err
		}
		c.n.Add(1)
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// F12: 40 reloads under load. No request is answered wrongly, the store is opened once, every
// payment is delivered once.
func TestReloadsUnderLoad(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "").start()
	config := s.text
	s.fault(sandbox.Fault{Kind: "delay", MS: 30, Operation: "verify"})
	var mu sync.Mutex
	var ids []string
	var cuts cuts
	stop := make(chan struct{})
	var load sync.WaitGroup
	for range 3 {
		load.Go(func() { // full payments
			tick := time.NewTicker(150 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				b := harness.NewCustomer(t)
				var id string
				var ret *sandbox.Return
				err := cuts.retry(func() (err error) {
					id, ret, err = s.tryBuy(b)
					return err
				})
				if err != nil {
					t.Errorf("a checkout failed: %v", err)
					continue
				}
				var p harness.Page
				err = cuts.retry(func() (err error) {
					p, err = come(b, ret)
					return err
				})
				if err != nil || p.Status != http.StatusOK {
					t.Errorf("a return failed: %d %v", p.Status, err)
				}
				mu.Lock()
				ids = append(ids, id)
				mu.Unlock()
			}
		})
	}
	plain := 0
	load.Go(func() { // bystanders
		b := harness.NewCustomer(t)
		for {
			select {
			case <-stop:
				return
			default:
			}
			var p harness.Page
			err := cuts.retry(func() (err error) {
				p, err = b.Try(http.MethodGet, s.site+"/page", "")
				return err
			})
			if err != nil || p.Status != http.StatusOK {
				t.Errorf("a plain request failed: %d %v", p.Status, err)
			}
			plain++
			time.Sleep(50 * time.Millisecond)
		}
	})
	slowest := time.Duration(0)
	for i := range 40 {
		s.Write(config + "# " + strconv.Itoa(i) + "\n")
		begin := time.Now()
		if err := s.load(); err != nil {
			t.Fatalf("reload %d: %v", i, err)
		}
		slowest = max(slowest, time.Since(begin))
		time.Sleep(50 * time.Millisecond)
	}
	close(stop)
	load.Wait()
	for _, id := range ids {
		s.waitFor(id, "delivered", 10*time.Second)
		if n, calls := s.told(id), s.ledger(id).Verify.Calls; n != 1 || calls != 1 {
			t.Errorf("%s: told %d times, asked %d times", id, n, calls)
		}
	}
	if n := strings.Count(s.Log(), `"msg":"the ledger is open"`) - strings.Count(s.Log(), `"shared":true`); n != 1 {
		t.Errorf("the store was opened %d times", n)
	}
	t.Logf("40 reloads (slowest %s), %d payments, %d plain requests, %d connections cut", slowest.Round(time.Millisecond), len(ids), plain, cuts.n.Load())
	if len(ids) < 10 {
		t.Error("that was no load")
	}
}

// load is a reload through the admin endpoint: as `caddy reload` without a
// process for each.
func (s *stand) load() error {
	req, err := http.NewRequest(http.MethodPost, "http://"+s.Admin+"/load", strings.NewReader(harness.ReadFile(s.t, s.Config())))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "text/caddyfile")
	req.Header.Set("Cache-Control", "must-revalidate")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return &statusError{res.Status}
	}
	return nil
}

type statusError struct{ status string }

func (e *statusError) Error() string { return e.status }

// F13: a configuration that cannot start leaves the old one running, and the
// store with it.
func TestReloadToWhatCannotRun(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "").start()
	good := s.text
	// A port that is taken fails late, when the new app has the store already.
	taken := harness.NewShop(t)
	for name, bad := range map[string]string{
		"a provider that is not there": strings.Replace(good, "verify /back idpay", "verify /back idpayy", 1),
		"a key that is not there":      strings.ReplaceAll(good, "{env.API_KEY}", "{env.NOT_THERE}"),
		"a port that is taken":         good + taken.URL + " {\n\trespond ok\n}\n",
		"another store, of a file":     strings.Replace(good, "storage badger ledger", "storage badger {{dir}}/Caddyfile", 1),
	} {
		s.Write(bad)
		if err := s.Reload(); err == nil {
			t.Errorf("%s: it was loaded", name)
		}
		b := harness.NewCustomer(t)
		id, ret := s.buy(b)
		if p, err := come(b, ret); err != nil || p.Status != http.StatusOK || s.told(id) != 1 {
			t.Errorf("%s: afterwards: %d %v", name, p.Status, err)
		}
	}
	s.Write(good + "# again\n")
	if err := s.Reload(); err != nil {
		t.Fatal(err)
	}
	b := harness.NewCustomer(t)
	_, ret := s.buy(b)
	if p, err := come(b, ret); err != nil || p.Status != http.StatusOK {
		t.Errorf("%d %v", p.Status, err)
	}
	// Once nothing uses it, it can be opened by another process.
	s.Stop()
	s.Caddy.Start()
}

// F14, A72: a payment that is being verified survives a reload that changes the
// provider's key, and one whose provider is gone waits for it.
func TestReloadDuringVerify(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "deliver idempotent").start()
	good := s.text
	b := harness.NewCustomer(t)
	id, ret := s.buy(b)
	s.fault(sandbox.Fault{Kind: "delay", MS: 1500, Operation: "verify", Count: 1})
	done := make(chan harness.Page, 1)
	go func() {
		p, _ := come(b, ret)
		done <- p
	}()
	harness.Wait(t, "the provider is asked", 30*time.Second, func() bool { return s.ledger(id).Verify.Calls == 1 })
	// The new configuration has no payments routes at all.
	bare, _, _ := strings.Cut(good, s.site+" {")
	s.Write(bare + s.site + " {\n\trespond /page \"plain\"\n\trespond 404\n}\n")
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	if p := <-done; p.Status != http.StatusOK {
		t.Errorf("the return in flight: %d", p.Status)
	}
	s.waitFor(id, "delivered", 10*time.Second)
	if s.told(id) != 1 {
		t.Errorf("told %d times", s.told(id))
	}
	s.Write(good)
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	b.Client.CloseIdleConnections() // the reload closes them, and this customer may not have noticed
	_, ret = s.buy(b)
	if p, err := come(b, ret); err != nil || p.Status != http.StatusOK {
		t.Errorf("%d %v", p.Status, err)
	}
}

// F11: beside a running server `validate` and `adapt` work, and a second process
// on the same ledger is refused in words.
func TestBesideARunningServer(t *testing.T) {
	t.Parallel()
	s := newStand(t, "idpay", "").start()
	for _, cmd := range []string{"validate", "adapt"} {
		if out, err := s.Run(cmd, "--config", s.Config(), "--adapter", "caddyfile"); err != nil {
			t.Errorf("%s: %v\n%s", cmd, err, out)
		}
	}
	second := harness.New(t, strings.NewReplacer("storage badger ledger", "storage badger "+s.Data()+"/ledger", s.site, harness.Site(t)).Replace(s.text),
		harness.Environment()...)
	if err := second.TryStart(); err == nil {
		t.Error("two processes on one ledger")
	}
	if log := second.Log(); !strings.Contains(log, "another process") && !strings.Contains(log, "in use") {
		t.Errorf("the refusal does not say why:\n%s", log)
	}
	b := harness.NewCustomer(t)
	_, ret := s.buy(b)
	if p, err := come(b, ret); err != nil || p.Status != http.StatusOK {
		t.Errorf("the first: %d %v", p.Status, err)
	}
}
