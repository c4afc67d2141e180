package flow_test

import (
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// stall is a static shop that has grown: a catalogue, several pieces, the buyer's name and
// mobile, two gateways, receipts, and paid pages.
type stall struct {
	caddy      *harness.Caddy
	box        *sandbox.Server
	site, file string
}

const goods = "sku,price,title_fa,title_en,picture\r\n" +
	"course,890000toman,دورهٔ {env.API_KEY},\"<b>Course</b> & \"\"more\"\"\",/images/course.jpg\r\n" +
	"songbook,120000toman,ترانه‌ها,Forty songs,https://cdn.example.com/s.jpg\r\n"

func newStall(t *testing.T) *stall {
	t.Helper()
	s := &stall{site: harness.Site(t)}
	box, boxURL := harness.Sandbox(t, sandbox.Options{})
	s.box = box
	s.file = filepath.Join(t.TempDir(), "goods.csv")
	s.write(t, goods)
	global := strings.Replace(harness.Global(boxURL), "\t\taffiliate", "\t\tprovider zarinpal {\n\t\t\tmerchant_id {env.API_KEY}\n\t\t\tbase_url "+boxURL+"/zarinpal\n\t\t}\n\t\taffiliate", 1)
	s.caddy = harness.Start(t, global+s.site+` {
	root {{dir}}
	payments {
		checkout /buy idpay zarinpal {
			item pen 10000toman {
				title_fa خودکار
				title_en "A pen"
			}
			catalogue `+s.file+`
			quantity 5
			buyer name
			buyer mobile required
			receipt
		}
		verify /thanks idpay {
			expect intent
		}
		verify /merci zarinpal {
			expect intent
		}
		require /course/* {
			item course
			checkout /buy
			devices 2
		}
	}
	respond /course/* "the course"
	respond /thanks "thanks"
	respond /merci "merci"
	file_server
}
`, harness.Environment()...)
	return s
}

func (s *stall) write(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(s.file+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(s.file+".new", s.file); err != nil {
		t.Fatal(err)
	}
}

// pay presses Pay and pays at the bank.
func (s *stall) pay(t *testing.T, b *harness.Browser, sku string, form url.Values) harness.Page {
	t.Helper()
	bank := b.Post(s.site+"/buy/"+sku, form).Location(t)
	return b.Get(b.Post(bank, url.Values{"action": {"pay"}}).Location(t))
}

// show is what `caddy payments show` and a webhook say of the newest payment.
func (s *stall) shown(t *testing.T) map[string]any {
	t.Helper()
	var list struct {
		Payments []struct {
			Ref string `json:"ref"`
		} `json:"payments"`
	}
	s.admin(t, "/payments/list?limit=1", &list)
	var v map[string]any
	s.admin(t, "/payments/show/"+list.Payments[0].Ref, &v)
	return v
}

func (s *stall) admin(t *testing.T, path string, to any) {
	t.Helper()
	res, err := http.Get("http://" + s.caddy.Admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(to); err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, res.StatusCode, err)
	}
}

var sara = url.Values{"name": {"  سارا   رضایی "}, "mobile": {"+۹۸ (۹۱۲) ۱۲۳-۴۵۶۷"}}

func with(form url.Values, more ...string) url.Values {
	all := make(url.Values)
	maps.Copy(all, form)
	for i := 0; i+1 < len(more); i += 2 {
		all.Set(more[i], more[i+1])
	}
	return all
}

// From a catalogue, in pieces, with the buyer's data, to the gateway and into the ledger.
func TestStallSells(t *testing.T) {
	t.Parallel()
	s := newStall(t)
	b := harness.NewBrowser(t)

	t.Run("the confirm page", func(t *testing.T) {
		p := b.Get(s.site + "/buy/course?quantity=2")
		for _, want := range []string{"&lt;b&gt;Course&lt;/b&gt; &amp; &#34;more&#34;", "دورهٔ {env.API_KEY}", "1,780,000", `src="/images/course.jpg"`, `max="5"`, `value="2"`,
			`autocomplete="tel"`, `value="zarinpal"`, `name="price" value="8900000"`, "زرین‌پال", "890,000 toman each"} {
			if !strings.Contains(p.Body, want) {
				t.Errorf("no %s", want)
			}
		}
		if strings.Contains(p.Body, "<b>Course") || strings.Contains(p.Body, harness.APIKey) {
			t.Error("a title was evaluated")
		}
		if csp := b.Get(s.site + "/buy/songbook").Header.Get("Content-Security-Policy"); !strings.Contains(csp, "img-src 'self' https://cdn.example.com;") {
			t.Errorf("the policy is %s", csp)
		}
	})

	t.Run("what is refused", func(t *testing.T) {
		for name, c := range map[string]struct {
			form url.Values
			want string
		}{
			"no mobile":          {url.Values{"name": {"Sara"}}, "Please write an Iranian mobile"},
			"no mobile of Iran":  {url.Values{"mobile": {"+49 171 1234567"}}, "Please write an Iranian mobile"},
			"too short":          {url.Values{"mobile": {"0912123456"}}, "Please write an Iranian mobile"},
			"too long":           {url.Values{"mobile": {"091212345678"}}, "Please write an Iranian mobile"},
			"a name of controls": {with(sara, "name", "a\x00b"), "Please write your name"},
			"81 letters":         {with(sara, "name", strings.Repeat("ن", 81)), "Please write your name"},
			"none":               {with(sara, "quantity", "0"), "number of pieces"},
			"too many":           {with(sara, "quantity", "6"), "number of pieces"},
			"negative":           {with(sara, "quantity", "-1"), "number of pieces"},
			"overflow":           {with(sara, "quantity", "99999999999999999999"), "number of pieces"},
			"half":               {with(sara, "quantity", "1.5"), "number of pieces"},
			"another price":      {with(sara, "price", "1"), "price has changed"},
			"no such gateway":    {with(sara, "gateway", "paypal"), "offer the payment service"},
			"a huge form":        {with(sara, "x", strings.Repeat("x", 9<<10)), "form could not be read"},
		} {
			p := b.Post(s.site+"/buy/course", c.form)
			if p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Body, c.want) {
				t.Errorf("%s: %d\n%s", name, p.Status, p.Body)
			}
		}
		if n := len(s.box.Ledger("", "", "").Payments); n != 0 {
			t.Errorf("%d payments were begun", n)
		}
		p := b.Post(s.site+"/buy/course", with(sara, "mobile", `"><script>x</script>`))
		if strings.Contains(p.Body, "<script>x") || !strings.Contains(p.Body, `value="&#34;&gt;&lt;script&gt;x`) || !strings.Contains(p.Body, "سارا رضایی") {
			t.Errorf("what was written is shown as\n%s", p.Body)
		}
		if p := b.Post(s.site+"/buy/course", url.Values{"total": {"1"}, "quantity": {"۳"}}); p.Status != http.StatusOK || !strings.Contains(p.Body, "2,670,000") {
			t.Errorf("the total: %d", p.Status)
		}
	})

	t.Run("paid", func(t *testing.T) {
		// Whatever amounts a form names are none of its business.
		back := s.pay(t, b, "course", with(sara, "quantity", "۳", "amount", "1", "toman", "1", "gateway", "idpay", "price", "8900000"))
		if back.Status != http.StatusOK || back.Body != "thanks" {
			t.Fatalf("%d %s", back.Status, back.Body)
		}
		// A page may clean its address of all but our reference: a reload is known by it.
		clean := s.site + "/thanks?payment_ref=" + url.QueryEscape(back.URL.Query().Get("payment_ref"))
		if again := b.Get(clean); again.Status != http.StatusOK || !strings.Contains(again.Body, "your payment is complete") || !strings.Contains(again.Body, "× 3") {
			t.Errorf("a reload of the cleaned address: %d\n%s", again.Status, again.Body)
		}
		if p := s.box.Ledger("idpay", "", "").Payments[0]; p.Amount != 26_700_000 {
			t.Errorf("paid %d", p.Amount)
		}
		v := s.shown(t)
		buyer, _ := v["buyer"].(map[string]any)
		if v["quantity"] != 3.0 || v["item"] != "course" || buyer["name"] != "سارا رضایی" || buyer["mobile"] != "09121234567" {
			t.Errorf("shown: %v %v %v", v["quantity"], v["item"], buyer)
		}
		if log := s.caddy.Log(); strings.Contains(log, "09121234567") || strings.Contains(log, "رضایی") {
			t.Error("the buyer stands in the log")
		}
		if got := s.pay(t, b, "pen", with(sara, "gateway", "zarinpal")); got.Body != "merci" {
			t.Errorf("zarinpal's: %d %s", got.Status, got.Body)
		}
	})
}

// A gateway that starts no payments is offered last; the page says so and charges nothing.
func TestStallOffersTheNextGateway(t *testing.T) {
	t.Parallel()
	s := newStall(t)
	b := harness.NewBrowser(t)
	if _, err := s.box.SetFault(sandbox.Fault{Kind: "status", Status: 503, Operation: "create", Provider: "idpay"}); err != nil {
		t.Fatal(err)
	}
	chosen := regexp.MustCompile(`value="(idpay|zarinpal)" checked`)
	if got := chosen.FindStringSubmatch(b.Get(s.site + "/buy/pen").Body); got == nil || got[1] != "idpay" {
		t.Fatalf("chosen first: %q", got)
	}
	p := b.Post(s.site+"/buy/pen", sara)
	got := chosen.FindStringSubmatch(p.Body)
	if p.Status != http.StatusBadGateway || got == nil || got[1] != "zarinpal" || !strings.Contains(p.Body, "Another one is chosen below") || !strings.Contains(p.Body, "does not answer at the moment") {
		t.Fatalf("%d %q\n%s", p.Status, got, p.Body)
	}
	if !strings.Contains(p.Body, `value="09121234567"`) {
		t.Error("the buyer must write it all again")
	}
	if got := chosen.FindStringSubmatch(b.Get(s.site + "/buy/pen").Body); got == nil || got[1] != "zarinpal" {
		t.Errorf("chosen on a new page: %q", got)
	}
	if got := s.pay(t, b, "pen", sara); got.Body != "merci" { // a form that names none
		t.Errorf("%d %s", got.Status, got.Body)
	}
	// Both are down: then the page says just that.
	if _, err := s.box.SetFault(sandbox.Fault{Kind: "status", Status: 503, Operation: "create", Provider: "zarinpal"}); err != nil {
		t.Fatal(err)
	}
	if p := b.Post(s.site+"/buy/pen", with(sara, "gateway", "zarinpal")); p.Status != http.StatusBadGateway || strings.Contains(p.Body, "Another one") {
		t.Errorf("both down: %d", p.Status)
	}
	s.box.ClearFaults()
	if got := s.pay(t, b, "pen", with(sara, "gateway", "idpay")); got.Body != "thanks" {
		t.Errorf("it works again: %d %s", got.Status, got.Body)
	}
	if got := chosen.FindStringSubmatch(b.Get(s.site + "/buy/pen").Body); got == nil || got[1] != "idpay" {
		t.Errorf("chosen once it works again: %q", got)
	}
}

// A catalogue is read again when it changes; a broken edit keeps the last good one.
func TestStallFollowsItsCatalogue(t *testing.T) {
	t.Parallel()
	s := newStall(t)
	b := harness.NewBrowser(t)
	seen := b.Get(s.site + "/buy/songbook")
	if seen.Status != http.StatusOK {
		t.Fatal(seen.Status)
	}
	s.write(t, strings.Replace(goods, "120000toman", "150000toman", 1)+"poster,50000 تومان,پوستر,Poster,\n")
	harness.Wait(t, "the new item", 30*time.Second, func() bool { return b.Get(s.site+"/buy/poster").Status == http.StatusOK })
	// Whoever saw the old price isn't charged the new one unasked.
	_, form := seen.Form(t)
	if p := b.Post(s.site+"/buy/songbook", with(sara, "price", form.Get("price"))); p.Status != http.StatusUnprocessableEntity || !strings.Contains(p.Body, "150,000") {
		t.Errorf("the old price: %d", p.Status)
	}
	var doctor struct {
		Findings []struct{ Code, Text string } `json:"findings"`
	}
	finds := func() string {
		s.admin(t, "/payments/doctor", &doctor)
		for _, f := range doctor.Findings {
			if f.Code == "catalogue" {
				return f.Text
			}
		}
		return ""
	}
	s.write(t, "sku,price,title\nmug,890000,A mug\n")
	harness.Wait(t, "doctor tells of the broken edit", 30*time.Second, func() bool { return strings.Contains(finds(), "goods.csv:2: price: the amount has no unit") })
	harness.Wait(t, "the log tells of it", 30*time.Second, func() bool { return strings.Contains(s.caddy.Log(), "catalogue_broken") })
	if got := b.Get(s.site + "/buy/poster").Status; got != http.StatusOK {
		t.Errorf("what was sold before: %d", got)
	}
	if err := os.Remove(s.file); err != nil {
		t.Fatal(err)
	}
	harness.Wait(t, "doctor tells of the missing file", 30*time.Second, func() bool { return strings.Contains(finds(), "no such file") })
	s.write(t, goods)
	harness.Wait(t, "all is well again", 30*time.Second, func() bool { return finds() == "" && b.Get(s.site+"/buy/poster").Status == http.StatusNotFound })

	// A reload and `caddy validate` refuse a file that can't be read; a start doesn't, because
	// other sites would be down with it.
	s.write(t, "sku,price,title\nmug,890000,A mug\n")
	if out, err := s.caddy.Run("validate", "--config", s.caddy.Config()); err == nil || !strings.Contains(out, "goods.csv:2: price: the amount has no unit") {
		t.Errorf("validate: %v\n%s", err, out)
	}
	s.caddy.Write(strings.Replace(harness.ReadFile(t, s.caddy.Config()), "devices 2", "devices 3", 1))
	if err := s.caddy.Reload(); err == nil {
		t.Error("a reload takes it")
	}
	s.caddy.Kill()
	s.caddy.Start()
	if p := b.Get(s.site + "/buy/songbook"); p.Status != http.StatusServiceUnavailable || !strings.Contains(p.Body, "Nothing was paid") {
		t.Errorf("of a catalogue that was never read: %d\n%s", p.Status, p.Body)
	}
	if p := b.Post(s.site+"/buy/songbook", sara); p.Status != http.StatusServiceUnavailable {
		t.Errorf("a press of Pay: %d", p.Status)
	}
	if p := b.Get(s.site + "/buy/pen"); p.Status != http.StatusOK {
		t.Errorf("what the Caddyfile sells: %d", p.Status)
	}
	harness.Wait(t, "doctor tells of it", 30*time.Second, func() bool { return strings.Contains(finds(), "nothing from it is sold until it is mended") })
	s.write(t, goods)
	harness.Wait(t, "it is sold", 30*time.Second, func() bool { return finds() == "" && b.Get(s.site+"/buy/songbook").Status == http.StatusOK })
}

var link = regexp.MustCompile(`<code class="copy">([^<]+)</code>`)

// A receipt is found by number and mobile, by nobody else, and its link opens what was
// bought on another device until the money goes back.
func TestStallReceipts(t *testing.T) {
	t.Parallel()
	s := newStall(t)
	buyer := harness.NewCustomer(t)
	if got := s.pay(t, buyer, "course", with(sara, "gateway", "zarinpal")); got.Body != "merci" {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	v := s.shown(t)
	order, _ := v["order"].(string)
	ref, _ := v["ref"].(string)
	started := s.box.Ledger("idpay", "", "")
	unpaid := buyer.Post(s.site+"/buy/course", with(sara, "gateway", "idpay"))
	if unpaid.Status != http.StatusSeeOther || len(started.Payments) != 0 {
		t.Fatal(unpaid.Status)
	}
	open := s.box.Ledger("idpay", "", "").Payments[0].Order

	find := func(b *harness.Browser, number, mobile string) harness.Page {
		return b.Post(s.site+"/buy/receipt", url.Values{"number": {number}, "mobile": {mobile}})
	}
	// Whoever doesn't know both learns nothing: one answer, but for what was written.
	misses := make(map[string]bool)
	for _, c := range [][2]string{{order, "09121234568"}, {"ABCDEFGH1234", "09121234567"}, {open, "09121234567"}, {ref[:7], "09121234567"}} {
		p := find(harness.NewCustomer(t), c[0], c[1])
		if p.Status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", c, p.Status)
		}
		misses[strings.NewReplacer(c[0], "N", c[1], "M").Replace(p.Body)] = true
	}
	if len(misses) != 1 {
		t.Errorf("there are %d different answers", len(misses))
	}
	other := harness.NewCustomer(t)
	if got := other.Get(s.site + "/course/1"); got.Status != http.StatusPaymentRequired {
		t.Fatalf("before: %d", got.Status)
	}
	var address string
	for _, number := range []string{order, strings.ToLower(order), ref[:4] + " " + ref[4:8], ref} {
		p := find(other, number, "۰۹۱۲۱۲۳۴۵۶۷")
		m := link.FindStringSubmatch(p.Body)
		if p.Status != http.StatusOK || m == nil || !strings.Contains(p.Body, order) || !strings.Contains(p.Body, "890,000") {
			t.Fatalf("%s: %d\n%s", number, p.Status, p.Body)
		}
		address = html.UnescapeString(m[1])
	}
	if got := other.Get(s.site + "/course/1"); got.Status != http.StatusPaymentRequired {
		t.Errorf("the receipt alone opens it: %d", got.Status)
	}
	// A look at the link sets nothing; its button opens the course, within `devices`.
	openHere := func(b *harness.Browser) int {
		p := b.Get(address)
		if p.Status != http.StatusOK || len(p.Header["Set-Cookie"]) > 0 {
			t.Fatalf("the link: %d, %q", p.Status, p.Header["Set-Cookie"])
		}
		action, fields := p.Form(t)
		if got := b.Post(action, fields).Location(t); got != s.site+"/course/" {
			t.Errorf("it leads to %s", got)
		}
		// A page with several guarded parts asks for all of them before an answer comes: the
		// device has its name from the button on, and is one.
		answers := make(chan int)
		for range 6 {
			go func() {
				p, err := b.Try(http.MethodGet, s.site+"/course/1", "")
				if err != nil {
					p.Status = http.StatusInternalServerError
				}
				answers <- p.Status
			}()
		}
		worst := 0
		for range 6 {
			worst = max(worst, <-answers)
		}
		return worst
	}
	if got := openHere(other); got != http.StatusOK {
		t.Errorf("another device: %d", got)
	}
	if got := openHere(harness.NewCustomer(t)); got != http.StatusForbidden {
		t.Errorf("a third of two devices: %d", got)
	}
	if got := openHere(buyer); got != http.StatusOK {
		t.Errorf("the buyer's own: %d", got)
	}
	for _, forged := range []string{address + "x", strings.Replace(address, "payment_link=ey", "payment_link=eY", 1), s.site + "/buy/receipt?payment_link=x"} {
		if got := other.Get(forged).Status; got != http.StatusGone {
			t.Errorf("a forged link: %d", got)
		}
	}
	// Paced: by number, whoever asks.
	busy := 0
	for range 12 {
		if find(harness.NewCustomer(t), order, "09120000000").Status == http.StatusTooManyRequests {
			busy++
		}
	}
	if busy == 0 {
		t.Error("guessing is not paced")
	}
	// Given back: nothing opens any more.
	res, err := http.Post("http://"+s.caddy.Admin+"/payments/reverse/"+ref, "application/json", strings.NewReader(`{"note":"x","by":"y"}`))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatalf("reverse: %d", res.StatusCode)
	}
	if got := other.Get(s.site + "/course/1").Status; got != http.StatusPaymentRequired {
		t.Errorf("after the money went back: %d", got)
	}
	if got := other.Get(address).Status; got != http.StatusGone {
		t.Errorf("the link after the money went back: %d", got)
	}
}
