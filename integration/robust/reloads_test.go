package robust_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// envReloads is how many reloads the release tier asks for.
const envReloads = "PROOF_RELOADS"

const (
	reloadEvery = 50 * time.Millisecond
	perSecond   = 500 // requests
)

// F12: a reload every 50 ms at 500 requests a second. Not one request fails, not
// one payment is lost or verified twice, the ledger is opened once, and neither
// goroutines nor descriptors grow.
//
// Caddy itself cuts connections at a reload, as "Caddy alone" counts. There are
// two causes. Old and new configuration have a socket each (SO_REUSEPORT), and
// when the old one closes, Linux resets the connections that wait in its queue; a
// socket that is handed to Caddy (`bind fd/3`, as systemd does it) has one queue
// for both. And net/http drops, without an answer, a request that it has read
// when its server is being shut down (conn.serve returns after readRequest), also
// on a connection that is new. No handler has seen such a request, so it may be
// repeated; the shop's and the provider's books tell it from one that was worked
// on and then cut, which would be ours.
func TestReloadsLoseNothing(t *testing.T) {
	t.Parallel()
	n := amount(t, envReloads, 150)
	report := newProgress("reloads at 500 requests/s", n)
	for name, handed := range map[string]bool{"Caddy alone, a socket for each configuration": false, "Caddy alone, one socket": true} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t, "idpay", "").prepare()
			s.text = "{\n\tadmin {{admin}}\n\tauto_https off\n}\n" + s.site + " {\n\treverse_proxy " + s.shop.URL + "\n}\n"
			s.Bin = harness.Plain(t)
			s.shortIdle()
			if handed {
				s.handSocket()
			}
			s.Write(s.text)
			s.Caddy.Start()
			r := &reloader{stand: s}
			r.count()
			r.run(10, nil)
			goroutines, files := r.settled()
			r.run(min(n, 100), nil)
			after, filesAfter := r.settled()
			t.Logf("%s; goroutines %d, then %d; descriptors %d, then %d; %v", r, goroutines, after, files, filesAfter, r.kinds())
		})
	}
	t.Run("with payments, one socket", func(t *testing.T) {
		s := newStand(t, "idpay", "", "\tpayments {\n", "\tpayments {\n\t\tpublic_url SITE\n")
		s.text = strings.Replace(s.text, "public_url SITE", "public_url "+s.site, 1)
		s.prepare()
		s.Bin = harness.Plain(t)
		s.shortIdle()
		s.handSocket()
		s.Write(s.text)
		s.Caddy.Start()
		s.fault(sandbox.Fault{Kind: "delay", MS: 30, Operation: "verify"})
		r := &reloader{stand: s, pay: true}
		r.count()
		r.run(10, nil) // what a few reloads need, all may have
		goroutines, files := r.settled()
		r.run(n, report)
		after, filesAfter := r.settled()
		t.Logf("%s; goroutines %d, then %d; descriptors %d, then %d", r, goroutines, after, files, filesAfter)
		if after > goroutines+10 || filesAfter > files+10 {
			t.Errorf("goroutines %d, then %d; descriptors %d, then %d:\n%.4000s", goroutines, after, files, filesAfter, r.profile)
		}
		if failed := r.failed.Load(); failed > 0 {
			t.Errorf("%d requests failed: %v", failed, r.kinds())
		}
		if opened := strings.Count(s.Log(), `"msg":"the ledger is open"`) - strings.Count(s.Log(), `"shared":true`); opened != 1 {
			t.Errorf("the store was opened %d times", opened)
		}
		report.end(r.books())
	})
}

// reloader reloads under load.
type reloader struct {
	*stand
	pay     bool
	reloads int
	slowest time.Duration
	took    time.Duration
	asked   atomic.Int64
	cut     atomic.Int64 // by Caddy itself, and repeated
	failed  atomic.Int64
	tries   atomic.Int64
	arrived sync.Map // requests that the shop saw
	profile []byte
	mu      sync.Mutex
	errs    map[string]int
	ids     []string
}

func (r *reloader) String() string {
	return fmt.Sprintf("%d reloads (slowest %s), %d requests (%.0f a second), %d payments, %d cut by Caddy before they reached a handler, %d failed", r.reloads,
		r.slowest.Round(time.Millisecond), r.asked.Load(), float64(r.asked.Load())/r.took.Seconds(), len(r.ids), r.cut.Load(), r.failed.Load())
}

func (r *reloader) fail(what string, err any) {
	r.failed.Add(1)
	text := fmt.Sprint(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.errs == nil {
		r.errs = make(map[string]int)
	}
	r.errs[what+": "+text[strings.LastIndexByte(text, ' ')+1:]]++
}

// kinds are the errors and how often they came.
func (r *reloader) kinds() map[string]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.errs)
}

// shortIdle closes idle connections to the shop soon: those of a replaced
// configuration stay open for the two minutes that are Caddy's default.
func (s *stand) shortIdle() {
	s.text = strings.Replace(s.text, "reverse_proxy "+s.shop.URL, "reverse_proxy "+s.shop.URL+" {\n\t\ttransport http {\n\t\t\tkeepalive 1s\n\t\t}\n\t}", 1)
}

// handSocket lets Caddy serve the site on a socket that it is handed.
func (s *stand) handSocket() {
	s.t.Helper()
	l, err := net.Listen("tcp", strings.TrimPrefix(s.site, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = l.Close() })
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		s.t.Fatalf("%T", l)
	}
	f, err := tcp.File()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = f.Close() })
	s.Files = []*os.File{f}
	s.text = strings.Replace(s.text, s.site+" {\n", s.site+" {\n\tbind fd/3\n", 1)
}

// run reloads n times while customers pay and others look at pages.
func (r *reloader) run(n int, report *progress) {
	r.t.Helper()
	stop := make(chan struct{})
	var load sync.WaitGroup
	const lookers = 10
	for i := range lookers {
		load.Go(func() { r.look(stop, time.Duration(i)*time.Second/perSecond) })
	}
	if r.pay {
		for range 2 {
			load.Go(func() { r.buyers(stop) })
		}
	}
	begin := time.Now()
	tick := time.NewTicker(reloadEvery)
	defer tick.Stop()
	for i := range n {
		<-tick.C
		r.Write(r.text + "# " + strconv.Itoa(i) + "\n")
		start := time.Now()
		err := r.load()
		var cut *url.Error
		for try := 0; errors.As(err, &cut) && try < 10; try++ {
			err = r.load() // the admin endpoint is replaced as well, and cuts as well
		}
		if err != nil {
			r.fail("reload", err)
		}
		r.slowest = max(r.slowest, time.Since(start))
		if report != nil {
			report.step(1)
		}
	}
	close(stop)
	load.Wait()
	r.reloads += n
	r.took += time.Since(begin)
}

// look is a visitor who looks at a tenth of all pages.
func (r *reloader) look(stop <-chan struct{}, offset time.Duration) {
	client := &http.Client{Transport: &http.Transport{}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	time.Sleep(offset)
	tick := time.NewTicker(10 * time.Second / perSecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		r.asked.Add(1)
		r.page(client)
	}
}

const headerTry = "X-Try"

// count lets the shop remember which requests it saw.
func (r *reloader) count() {
	r.shop.SetAnswer(func(w http.ResponseWriter, req *http.Request) {
		if try := req.Header.Get(headerTry); try != "" {
			r.arrived.Store(try, true)
		}
		_, _ = w.Write([]byte("the shop answers"))
	})
}

// page gets a page, and tries again where no handler saw the request.
func (r *reloader) page(client *http.Client) {
	for range 10 {
		req, err := http.NewRequest(http.MethodGet, r.site+"/page", http.NoBody)
		if err != nil {
			r.fail("a page", err)
			return
		}
		try := strconv.FormatInt(r.tries.Add(1), 10)
		req.Header.Set(headerTry, try)
		res, err := client.Do(req)
		if err != nil {
			if _, seen := r.arrived.Load(try); seen {
				r.fail("a page that the shop had answered", err)
				return
			}
			r.cut.Add(1)
			continue
		}
		_, err = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			r.fail("a page", fmt.Sprint(res.StatusCode, err))
		}
		return
	}
	r.fail("a page", "cut ten times")
}

// buyers buy, one after the other.
func (r *reloader) buyers(stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(150 * time.Millisecond):
		}
		b := harness.NewCustomer(r.t)
		b.Client.Transport = &http.Transport{}
		r.asked.Add(2)
		id, ret, err := r.tryBuy(b)
		if err != nil {
			// The provider's books tell, in the end, whether it got that far.
			r.cut.Add(1)
			continue
		}
		p, err := come(b, ret)
		for try := 0; err != nil && try < 10; try++ {
			r.cut.Add(1)
			p, err = come(b, ret)
		}
		if err != nil || p.Status != http.StatusOK {
			r.fail("a return", fmt.Sprint(p.Status, err))
		}
		b.Client.CloseIdleConnections()
		r.mu.Lock()
		r.ids = append(r.ids, id)
		r.mu.Unlock()
	}
}

// books compares what was paid with what the shop was told.
func (r *reloader) books() (res result) {
	r.t.Helper()
	res.paid = len(r.ids)
	if begun := len(r.box.Ledger("", "", "").Payments); begun != len(r.ids) {
		r.t.Errorf("%d payments were begun, %d customers heard of theirs", begun, len(r.ids))
	}
	for _, id := range r.ids {
		r.waitFor(id, "delivered", 10*time.Second)
		switch told, calls := r.told(id), r.ledger(id).Verify.Calls; {
		case told == 0:
			res.lost++
		case told > 1 || calls != 1:
			res.twice++
			r.t.Errorf("%s: told %d times, asked %d times", id, told, calls)
		default:
			res.credited++
		}
	}
	if res.lost > 0 || res.paid == 0 {
		r.t.Errorf("%s", res)
	}
	return res
}

var total = regexp.MustCompile(`total (\d+)`)

// settled waits until replaced configurations are gone and counts what is left.
func (r *reloader) settled() (goroutines, files int) {
	r.t.Helper()
	http.DefaultClient.CloseIdleConnections()
	least := 1 << 30
	for range 8 { // they linger for ten seconds
		time.Sleep(2 * time.Second)
		res, err := http.Get("http://" + r.Admin + "/debug/pprof/goroutine?debug=1")
		if err != nil {
			r.t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		r.profile = text
		if m := total.FindSubmatch(text); m != nil {
			if n, err := strconv.Atoi(string(m[1])); err == nil {
				least = min(least, n)
			}
		}
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", r.PID()))
	if err != nil {
		r.t.Fatal(err)
	}
	return least, len(open)
}
