package returns_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// from is a browser with an address of its own.
func from(t testing.TB, address string) *harness.Browser {
	t.Helper()
	return harness.NewBrowser(t).From(address)
}

// Presses of Pay are bounded for each client, and however many there were, who
// has paid is asked for at once and again after a silence.
func TestAFloodOfPresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, shop := w.plain("checkout /buy idpay {\nitem mug 120000toman\nreturn /thanks\n}\nverify /thanks idpay")
	site = strings.Replace(site, "localhost", "127.0.0.1", 1)
	w.text = strings.ReplaceAll(w.text, strings.Replace(site, "127.0.0.1", "localhost", 1), site)
	w.start()
	var mu sync.Mutex
	codes := make(map[string]map[int]int)
	press := func(address string, n int) {
		b := from(t, address)
		for range n {
			p, err := b.Try(http.MethodPost, site+"/buy/mug", "")
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			if codes[address] == nil {
				codes[address] = make(map[int]int)
			}
			codes[address][p.Status]++
			mu.Unlock()
			if p.Status == http.StatusTooManyRequests && p.Header.Get("Retry-After") == "" {
				t.Error("429 without Retry-After")
			}
		}
	}
	var wait sync.WaitGroup
	wait.Go(func() { press("127.0.0.2", 300) })
	for n := range 30 {
		wait.Go(func() { press(fmt.Sprintf("127.0.1.%d", n+1), 10) })
	}
	wait.Wait()
	if one := codes["127.0.0.2"]; one[http.StatusSeeOther] > 30 || one[http.StatusTooManyRequests] < 270 {
		t.Errorf("one client: %v", one)
	}
	for address, got := range codes {
		for code := range got {
			if code != http.StatusSeeOther && code != http.StatusTooManyRequests && code != http.StatusServiceUnavailable {
				t.Errorf("%s: %v", address, got)
			}
		}
	}
	b := from(t, "127.0.2.1")
	link := b.Post(site+"/buy/mug", nil).Location(t)
	id := link[strings.LastIndexByte(link, '/')+1:]
	w.fault(sandbox.Fault{Kind: "reset", Operation: "verify", Payment: id, Count: 1})
	ret := w.act(id, "pay")
	status(t, come(b, ret), http.StatusAccepted)
	harness.Wait(t, "it is asked for again", 15*time.Second, func() bool { return w.ledger(id).Verify.First == 1 })
	harness.Wait(t, "it is delivered", 15*time.Second, func() bool { return come(b, ret).Status == http.StatusOK })
	if n := len(shop.Told()); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// What a stranger's return holds costs little room, whatever was sent.
func TestInventionsAreKeptLean(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	site, _ := w.plain("verify /back idpay")
	w.start()
	const returns = 40
	for range returns {
		p, err := harness.NewBrowser(t).Try(http.MethodPost, site+"/back?x="+strings.Repeat("q", 6<<10), "status=10&track_id=1&order_id=1&id="+randomID()+"&y="+strings.Repeat("z", 50<<10))
		if err != nil || p.Status == http.StatusOK || p.Status >= 500 {
			t.Fatalf("%d %v", p.Status, err)
		}
	}
	out, err := w.Run("payments", "export", "--address", w.Admin)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if most := returns * (4<<10 + 2<<10); len(out) > most {
		t.Errorf("%d returns take %d bytes, at most %d", returns, len(out), most)
	}
}

// Where an announcement finds no room the customer is not sent to the bank, by
// either version of HTTP; nor is a checkout's.
func TestNoRoomForAnAnnouncement(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{}, "")
	w.text = strings.Replace(w.text, "\tauto_https off\n", "\tauto_https off\n\tservers {\n\t\tprotocols h1 h2c\n\t}\n", 1)
	w.text = strings.Replace(w.text, "storage badger ledger", "storage badger ledger {\n\t\t\tmin_free 1MiB\n\t\t}", 1)
	site, shop := w.plain("checkout /buy idpay {\nitem mug 120000toman\nreturn /back\n}\nverify /back idpay {\nexpect intent\n}")
	k := &keeper{w: w, provider: "idpay", callback: site + "/back"}
	shop.SetAnswer(k.ServeHTTP)
	w.start()
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	h2 := harness.NewBrowser(t)
	transport := &http.Transport{Protocols: protocols}
	t.Cleanup(transport.CloseIdleConnections)
	h2.Client.Transport = transport
	browsers := map[string]*harness.Browser{"HTTP/1.1": harness.NewBrowser(t), "HTTP/2": h2}
	w.reload("min_free 1MiB", "min_free 900TiB")
	for name, b := range browsers {
		p := b.Get(site + "/pay?order=101&amount=50000")
		status(t, p, http.StatusServiceUnavailable)
		if p.Header.Get("Location") != "" || p.Header.Get("Retry-After") == "" || strings.Contains(p.Body, w.url) {
			t.Errorf("%s: %v", name, p.Header)
		}
		status(t, b.Post(site+"/buy/mug", nil), http.StatusServiceUnavailable)
		status(t, b.Get(site+"/page"), http.StatusOK)
	}
	w.reload("min_free 900TiB", "min_free 1MiB")
	for name, b := range browsers {
		id, _ := begin(t, b, site, name, 50_000)
		status(t, come(b, w.act(id, "pay")), http.StatusOK)
	}
	if n := len(shop.Told()); n != 2 {
		t.Errorf("told %d times", n)
	}
}

// A shop of files is handed a payment that came by POST, though its customer's
// browser never makes the second request.
func TestFilesAfterAPostWithoutSecondRequest(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sandbox.Options{Return: sandbox.ReturnPost}, "")
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "thanks"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "thanks", "index.html"), []byte("thank you"), 0o600); err != nil {
		t.Fatal(err)
	}
	site, _ := w.site("root " + root + "\npayments {\ncheckout /buy idpay {\nitem mug 120000toman\nreturn /thanks/\n}\nverify /thanks/ idpay\n}\nfile_server")
	w.start()
	b := harness.NewBrowser(t)
	link := b.Post(site+"/buy/mug", nil).Location(t)
	id := link[strings.LastIndexByte(link, '/')+1:]
	ret := w.act(id, "pay")
	if ret.Method != http.MethodPost {
		t.Fatalf("the bank sends the customer back by %s", ret.Method)
	}
	// A program is no browser, so the worker hands over when none has come for a minute.
	status(t, come(harness.NewBrowser(t), ret, "Accept", "application/xml"), http.StatusAccepted)
	harness.Wait(t, "the worker delivers", 80*time.Second, func() bool { return w.record(id).State == "delivered" })
}

// An empty answer that nobody gave proves nothing.
func TestNobodyAnswersNobodyCredits(t *testing.T) {
	t.Parallel()
	for name, block := range map[string]string{
		"no handler":    "payments {\nverify /back idpay\n}",
		"respond":       "payments {\nverify /back idpay\n}\nrespond 200",
		"a named route": "payments {\nverify /back idpay\n}\ninvoke nothing",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, sandbox.Options{}, "")
			w.text += "&(nothing) {\nrespond \"\" 200\n}\n"
			site, _ := w.site(block)
			w.start()
			bill, ret := w.paid("idpay", "101", 50_000, site+"/back")
			come(harness.NewBrowser(t), ret)
			if r := w.record(bill.ID); r.State == "delivered" || r.Conversion != "" && r.Conversion != "none" {
				t.Errorf("%+v", r)
			}
		})
	}
}
