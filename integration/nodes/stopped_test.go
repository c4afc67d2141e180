package nodes_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/storage/postgres/pgtest"
)

// While the database is stopped nobody is sent to pay: an announcement and a press
// of Pay are answered 503 within about two seconds, the shop keeps its cookies,
// and what was never begun can be begun when the database is back.
func TestNobodyPaysWhileTheDatabaseIsStopped(t *testing.T) {
	db := pgtest.Start(t)
	w := newWorld(t, db, 1, "expect intent\nbounce off")
	b := w.browser(0)
	b.Client.Timeout = 20 * time.Second
	announce := w.announcer(b)
	if _, p, _ := announce(); p.Status != http.StatusFound {
		t.Fatalf("before: %d\n%s", p.Status, p.Body)
	}
	db.Kill()
	for try := range 3 {
		id, p, took := announce()
		cookies := strings.Join(p.Header["Set-Cookie"], "\n")
		if p.Status != http.StatusServiceUnavailable || p.Header.Get("Location") != "" || p.Header.Get("Retry-After") == "" || strings.Contains(p.Body, id) {
			t.Errorf("announcement %d: %d %v", try, p.Status, p.Header)
		}
		if !strings.Contains(cookies, "PHPSESSID=abc") || !strings.Contains(cookies, "cart=7") {
			t.Errorf("announcement %d: the shop's cookies are gone: %q", try, cookies)
		}
		if took > 3*time.Second {
			t.Errorf("announcement %d: after %s", try, took)
		}
		before := len(w.box.Ledger("", "", "").Payments)
		begin := time.Now()
		p, err := b.Try(http.MethodPost, "http://"+host+"/buy/mug", "")
		if err != nil || p.Status != http.StatusServiceUnavailable || p.Header.Get("Location") != "" {
			t.Errorf("checkout %d: %d %v", try, p.Status, err)
		}
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("checkout %d: after %s", try, took)
		}
		if n := len(w.box.Ledger("", "", "").Payments); n != before {
			t.Errorf("checkout %d: %d payments were made that nobody remembers", try, n-before)
		}
	}
	db.Again(t)
	harness.Wait(t, "Pay works again", 30*time.Second, func() bool {
		p, err := b.Try(http.MethodPost, "http://"+host+"/buy/mug", "")
		return err == nil && p.Status == http.StatusSeeOther
	})
	id, p, _ := announce()
	if p.Status != http.StatusFound {
		t.Fatalf("afterwards: %d\n%s", p.Status, p.Body)
	}
	acted, err := w.box.Act(id, "pay")
	if err != nil {
		t.Fatal(err)
	}
	if p, err := come(b, acted.Return); err != nil || p.Status != http.StatusOK || w.told(id) != 1 {
		t.Errorf("the return: %d %v, told %d times", p.Status, err, w.told(id))
	}
}

// announcer makes a function by which the shop announces a payment and sends its
// customer to pay.
func (w *world) announcer(b *harness.Browser) func() (id string, p harness.Page, took time.Duration) {
	w.t.Helper()
	orders := 0
	return func() (id string, p harness.Page, took time.Duration) {
		w.t.Helper()
		orders++
		id = w.create(fmt.Sprint("A", orders))
		w.shop.SetAnswer(func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/pay" {
				return
			}
			rw.Header().Add("Set-Cookie", "PHPSESSID=abc; Path=/")
			rw.Header().Add("Set-Cookie", "cart=7; Path=/")
			rw.Header().Set("X-Payment-Order", fmt.Sprint("A", orders))
			rw.Header().Set("X-Payment-Amount", "50000")
			http.Redirect(rw, r, w.bank+"/idpay/p/ws/"+id, http.StatusFound)
		})
		begin := time.Now()
		p, err := b.Try(http.MethodGet, "http://"+host+"/pay", "")
		if err != nil {
			w.t.Fatal(err)
		}
		return id, p, time.Since(begin)
	}
}

// A database that hangs, with its connections open, is the same to customers as one that
// was stopped: nobody is sent to pay, and nobody waits for long to hear it.
func TestNobodyPaysWhileTheDatabaseHangs(t *testing.T) {
	db := servers.Cluster(t)
	proxy := pgtest.NewProxy(t, db.Port)
	w := newWorldAt(t, db, db.DSNAt(proxy.Port, "search_path", db.Schema(t)), 1, "expect intent\nbounce off")
	b := w.browser(0)
	b.Client.Timeout = 20 * time.Second
	announce := w.announcer(b)
	if _, p, _ := announce(); p.Status != http.StatusFound {
		t.Fatalf("before: %d\n%s", p.Status, p.Body)
	}
	goOn := proxy.Hang()
	t.Cleanup(goOn)
	for try := range 3 {
		id, p, took := announce()
		if p.Status != http.StatusServiceUnavailable || p.Header.Get("Location") != "" || strings.Contains(p.Body, id) || took > 3*time.Second {
			t.Errorf("announcement %d: %d after %s, %v", try, p.Status, took, p.Header)
		}
		if cookies := strings.Join(p.Header["Set-Cookie"], "\n"); !strings.Contains(cookies, "PHPSESSID=abc") {
			t.Errorf("announcement %d: the shop's cookies are gone: %q", try, cookies)
		}
		if p, err := b.Try(http.MethodGet, "http://"+plain+"/", ""); err != nil || p.Status != http.StatusOK {
			t.Errorf("another site: %d %v", p.Status, err)
		}
	}
	goOn()
	harness.Wait(t, "announcements are taken again", 30*time.Second, func() bool {
		_, p, _ := announce()
		return p.Status == http.StatusFound
	})
}

// create makes a payment at the sandbox as a shop's own code does.
func (w *world) create(order string) string {
	w.t.Helper()
	body, _ := json.Marshal(map[string]any{"order_id": order, "amount": 50_000, "callback": "http://" + host + "/back"})
	req, err := http.NewRequest(http.MethodPost, w.bank+"/idpay/v1.1/payment", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-API-KEY", harness.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var made struct {
		ID string `json:"id"`
	}
	if err := json.NewDecoder(res.Body).Decode(&made); err != nil || made.ID == "" {
		w.t.Fatalf("the sandbox made no payment: %s, %v", res.Status, err)
	}
	return made.ID
}
