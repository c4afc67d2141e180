package dashboard

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// serve runs the dashboard behind what stands for basic_auth: the user's name
// comes in a header.
func serve(t *testing.T, h *Handler, l *operatetest.Ledger) *httptest.Server {
	t.Helper()
	h.app, h.log = l, zap.NewNop()
	h.open()
	if h.PageSize == 0 {
		h.PageSize = defaultPageSize
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		repl := caddy.NewReplacer()
		if user := r.Header.Get("Test-User"); user != "" {
			repl.Set("http.auth.user.id", user)
		}
		if role := r.Header.Get("Test-Role"); role != "" {
			repl.Set("http.auth.user.role", role)
		}
		r = r.WithContext(context.WithValue(r.Context(), caddy.ReplacerCtxKey, repl))
		if err := h.ServeHTTP(w, r, nil); err != nil {
			t.Errorf("%s: %v", r.URL, err)
		}
	}))
	t.Cleanup(srv.Close)
	srv.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return srv
}

type answer struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, srv *httptest.Server, method, query string, form url.Values, header ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/desk"+query, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Test-User", "sara")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for i := 0; i < len(header); i += 2 {
		if header[i+1] == "" {
			req.Header.Del(header[i])
		} else {
			req.Header.Set(header[i], header[i+1])
		}
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

func (a answer) want(t *testing.T, status int, texts ...string) answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %s", a.status, status, a.body)
	}
	for _, s := range texts {
		if !strings.Contains(a.body, s) {
			t.Errorf("%q is not in %s", s, a.body)
		}
	}
	return a
}

var hidden = regexp.MustCompile(`name="decision" value="([a-z]+)"><input type="hidden" name="version" value="(\d+)"><input type="hidden" name="token" value="([^"]+)"`)

// form is the filled-in form of one decision on a page.
func form(t *testing.T, page answer, decision string) url.Values {
	t.Helper()
	for _, m := range hidden.FindAllStringSubmatch(page.body, -1) {
		if m[1] == decision {
			return url.Values{"decision": {m[1]}, "version": {m[2]}, "token": {m[3]}, "note": {"seen in the panel"}, "sure": {"1"}}
		}
	}
	t.Fatalf("no form for %s in %s", decision, page.body)
	return nil
}

func TestServesNobodyUnknown(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Review, payment.ReasonAmount, nil)
	srv := serve(t, &Handler{}, l)
	for _, query := range []string{"", "?ref=" + string(r.Ref)} {
		a := send(t, srv, "GET", query, nil, "Test-User", "").want(t, 403, "basic_auth", "payment_dashboard")
		if strings.Contains(a.body, r.Order) {
			t.Error("a stranger sees the payment")
		}
	}
	send(t, srv, "POST", "?ref="+string(r.Ref), url.Values{"decision": {"reject"}}, "Test-User", "").want(t, 403)
	send(t, srv, "PUT", "", nil).want(t, 405)
}

func TestHeadersAreStrict(t *testing.T) {
	a := send(t, serve(t, &Handler{}, operatetest.New(t)), "GET", "", nil).want(t, 200, `dir="rtl"`, "چیزی منتظر شما نیست")
	csp := a.header.Get("Content-Security-Policy")
	for _, s := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "style-src 'sha256-", "script-src 'sha256-", "connect-src 'self'"} {
		if !strings.Contains(csp, s) {
			t.Errorf("%q is not in %s", s, csp)
		}
	}
	if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Referrer-Policy") != "same-origin" || strings.Count(a.body, "<script") != 1 || !strings.Contains(a.body, "<script>"+script+"</script>") || strings.Contains(a.body, "style=") || regexp.MustCompile(` on[a-z]+=`).MatchString(a.body) {
		t.Error("the page is not strict")
	}
}

func TestListTabsSearchAndPages(t *testing.T) {
	l := operatetest.New(t)
	var waiting []*payment.Record
	for range 5 {
		waiting = append(waiting, l.Put(payment.Parked, payment.ReasonNoProof, nil))
	}
	done := l.Put(payment.Delivered, "", func(r *payment.Record) { r.Order = `<b>"7"` })
	srv := serve(t, &Handler{PageSize: 3}, l)

	first := send(t, srv, "GET", "?lang=en&tab=attention", nil).want(t, 200, "Needs you", ">5</b>", "50,000 toman", "500,000 rial", waiting[4].Order)
	if strings.Contains(first.body, waiting[0].Order) {
		t.Error("the page is too long")
	}
	older := regexp.MustCompile(`href="(\?cursor=[^"]+)">Older`).FindStringSubmatch(first.body)
	if older == nil {
		t.Fatalf("no next page: %s", first.body)
	}
	send(t, srv, "GET", strings.ReplaceAll(older[1], "&amp;", "&"), nil).want(t, 200, waiting[0].Order, "Back to the newest")
	send(t, srv, "GET", "?tab=done&lang=en", nil).want(t, 200, "&lt;b&gt;&#34;7&#34;")
	send(t, srv, "GET", "?lang=en&q="+url.QueryEscape(waiting[1].Order), nil).want(t, 200, waiting[1].Order)
	send(t, srv, "GET", "?lang=en&q="+done.ID, nil).want(t, 200, "&lt;b&gt;")
	send(t, srv, "GET", "?lang=en&q=nothing", nil).want(t, 200, "No payments here")
	if a := send(t, srv, "GET", "?q="+string(done.Ref), nil).want(t, 302); a.header.Get("Location") != "?ref="+string(done.Ref) {
		t.Errorf("%v", a.header)
	}
	send(t, srv, "GET", "?cursor=%21", nil).want(t, 404)
	send(t, srv, "GET", "?ref=nonsense", nil).want(t, 404)
	send(t, srv, "GET", "", nil, "Accept-Language", "de, en;q=0.8, fa;q=0.5").want(t, 200, `lang="en" dir="ltr"`)
	send(t, srv, "GET", "", nil, "Accept-Language", "fa;q=0, en").want(t, 200, `lang="en" dir="ltr"`)
	send(t, srv, "GET", "", nil, "Accept-Language", "en;q=0.2, fa;q=0.9").want(t, 200, `lang="fa" dir="rtl"`)
}

func TestAffiliateTab(t *testing.T) {
	l := operatetest.New(t)
	var all []*payment.Record
	for _, s := range []payment.ReportState{payment.RejectedReport, payment.PerhapsReport, payment.ParkedReport, payment.ParkedReport} {
		all = append(all, l.Put(payment.Delivered, "", func(r *payment.Record) {
			r.Track = payment.Track{ID: "abcdefgh", Affiliate: "hamekar"}
			r.Reports = []payment.Report{{To: "hamekar", Kind: payment.ReportSale, State: s}}
		}))
	}
	srv := serve(t, &Handler{PageSize: 2}, l)
	seen := ""
	for query, n := "?tab=affiliate&lang=en", 0; query != "" && n < 5; n++ {
		a := send(t, srv, "GET", query, nil).want(t, 200, "Reports")
		seen += a.body
		query = ""
		if m := regexp.MustCompile(`href="(\?cursor=[^"]+)">Older`).FindStringSubmatch(a.body); m != nil {
			query = strings.ReplaceAll(m[1], "&amp;", "&")
		}
	}
	for _, r := range all {
		if strings.Count(seen, ">"+r.Order+"<") != 1 {
			t.Errorf("%s is there %d times", r.Order, strings.Count(seen, ">"+r.Order+"<"))
		}
	}
	page := send(t, srv, "GET", "?lang=en&ref="+string(all[0].Ref), nil).want(t, 200, "refused the report")
	send(t, srv, "POST", "?lang=en&ref="+string(all[0].Ref), form(t, page, "report")).want(t, 303)
	if c := l.Get(all[0].Ref).Sale(); c.State != payment.OpenReport {
		t.Errorf("%+v", c)
	}
}

func TestDecide(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Review, payment.ReasonTenfold, func(r *payment.Record) {
		r.Receipt.Amount, r.Receipt.Card = 5_000_000, "6037991234561234"
	})
	srv := serve(t, &Handler{}, l)
	query := "?lang=en&ref=" + string(r.Ref)
	page := send(t, srv, "GET", query, nil).want(t, 200, "Ten times too much", "Yes: the provider has settled it", "882211", "603799******1234", "Tehran time (14", "Decide by")
	if strings.Contains(page.body, "SECRETQUERY") || strings.Contains(page.body, "6037991234561234") {
		t.Error("the page shows too much")
	}
	f := form(t, page, "accept")
	without := func(names ...string) url.Values {
		c := url.Values{}
		maps.Copy(c, f)
		for _, n := range names {
			c.Del(n)
		}
		return c
	}
	send(t, srv, "POST", query, without("note")).want(t, 400, "Write why")
	unseen := without("note")
	unseen.Set("note", "\u200b\u202e\u2800 ")
	send(t, srv, "POST", query, unseen).want(t, 400, "Write why")
	send(t, srv, "POST", query, without("sure")).want(t, 400, "Look first", "seen in the panel</textarea>")
	send(t, srv, "POST", query, without("token")).want(t, 403)
	send(t, srv, "POST", query, without("version")).want(t, 404)
	send(t, srv, "POST", query, f, "Sec-Fetch-Site", "cross-site").want(t, 403)
	send(t, srv, "POST", query, f, "Sec-Fetch-Site", "same-site").want(t, 403)
	send(t, srv, "POST", query, f, "Sec-Fetch-Site", "", "Origin", "https://evil.example").want(t, 403)
	send(t, srv, "POST", query, f, "Sec-Fetch-Site", "").want(t, 403)
	send(t, srv, "POST", query, f, "Test-User", "ali").want(t, 403)
	if l.Get(r.Ref).Version != r.Version {
		t.Fatal("something was done")
	}
	a := send(t, srv, "POST", query, f, "Sec-Fetch-Site", "", "Origin", srv.URL).want(t, 303)
	send(t, srv, "GET", a.header.Get("Location"), nil).want(t, 200, "Accepted. The order is being handed")
	if after := l.Get(r.Ref); after.State != payment.Verified || after.Decisions()[0].By != "sara" || after.Decisions()[0].Text != "seen in the panel" {
		t.Errorf("%s %+v", after.State, after.History)
	}
	send(t, srv, "POST", query, f).want(t, 409, "Somebody else decided")
}

// Two people decide at once: one wins, the shop hears once.
func TestTwoPeopleAtOnce(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Parked, payment.ReasonNoProof, nil)
	srv := serve(t, &Handler{}, l)
	query := "?lang=en&ref=" + string(r.Ref)
	page := send(t, srv, "GET", query, nil)
	var all sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 4 {
		for _, decision := range []string{"redeliver", "credited"} {
			f := form(t, page, decision)
			all.Go(func() {
				if a := send(t, srv, "POST", query, f); a.status == 303 {
					mu.Lock()
					won++
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	if won != 1 || len(l.Delivered()) > 1 || l.Get(r.Ref).State != payment.Delivered {
		t.Errorf("%d won, %d deliveries", won, len(l.Delivered()))
	}
}

func TestOtherSitesStayHidden(t *testing.T) {
	l := operatetest.New(t)
	mine := l.Put(payment.Parked, payment.ReasonNoProof, nil)
	theirs := l.Put(payment.Parked, payment.ReasonNoProof, func(r *payment.Record) { r.Site = "other.example" })
	third := l.Put(payment.Parked, payment.ReasonNoProof, func(r *payment.Record) { r.Site = "third.example" })
	all := serve(t, &Handler{}, l)
	f := form(t, send(t, all, "GET", "?ref="+string(theirs.Ref), nil), "credited")
	for _, sites := range [][]string{{"shop.example"}, {"shop.example", "third.example"}} {
		srv := serve(t, &Handler{Sites: sites}, l)
		a := send(t, srv, "GET", "?tab=all", nil).want(t, 200, ">"+mine.Order+"<")
		if strings.Contains(a.body, theirs.Order) || strings.Contains(a.body, third.Order) != (len(sites) == 2) {
			t.Error("the wrong payments are listed")
		}
		send(t, srv, "GET", "?ref="+string(theirs.Ref), nil).want(t, 404)
		send(t, srv, "GET", "?q="+string(theirs.Ref), nil).want(t, 200)
		send(t, srv, "POST", "?ref="+string(theirs.Ref), f).want(t, 404)
	}
}

// Whatever was written into a payment, in whichever of its fields, is text on each page.
func TestHostileTextOfEveryField(t *testing.T) {
	l := operatetest.New(t)
	queries := []string{"?tab=home", "?tab=owed", "?tab=audit", "?tab=affiliate", "?tab=all", "?q=oops"}
	for i, state := range []payment.State{payment.Review, payment.Parked, payment.Delivered, payment.Declined} {
		r := l.PutHostile(state, i+1, `"><img src=x onerror=oops>'{{.}}`)
		queries = append(queries, "?ref="+string(r.Ref), "?back=refund&ref="+string(r.Ref))
	}
	srv := serve(t, &Handler{}, l)
	seen := 0
	for _, query := range queries {
		for _, lang := range []string{"en", "fa"} {
			a := send(t, srv, "GET", query+"&lang="+lang, nil)
			if a.status >= 500 || strings.Contains(a.body, "<img src=x") || strings.Contains(a.body, `"><img`) || strings.Contains(a.body, "{{") {
				t.Errorf("%s in %s: %d, and what was written is HTML or a template", query, lang, a.status)
			}
			seen += strings.Count(a.body, "&lt;img src=x onerror=oops&gt;")
		}
	}
	if strings.Contains(style+script, "{{") {
		t.Error("the style or the script has two braces in a row")
	}
	if seen < 20 {
		t.Errorf("what was written is seen %d times", seen)
	}
}

func TestStoreIsAway(t *testing.T) {
	l := operatetest.New(t)
	srv := serve(t, &Handler{}, l)
	l.Closed = true
	if a := send(t, srv, "GET", "?lang=en", nil).want(t, 503, "Nothing is lost"); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestFormTokensExpire(t *testing.T) {
	key, now := []byte("key"), time.Now()
	token := formToken(key, "sara", "ref", now.Add(time.Minute))
	if err := checkToken(key, "sara", "ref", now, token); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"late":    checkToken(key, "sara", "ref", now.Add(time.Hour), token),
		"user":    checkToken(key, "sar", "ref", now, token),
		"payment": checkToken(key, "sara", "ref2", now, token),
		"key":     checkToken([]byte("other"), "sara", "ref", now, token),
		"text":    checkToken(key, "sara", "ref", now, token+"A"),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestEveryTextIsInBothLanguages(t *testing.T) {
	for key, x := range texts {
		if x[0] == "" || x[1] == "" {
			t.Errorf("%s", key)
		}
	}
	for _, m := range regexp.MustCompile(`T "([a-z_]+)"`).FindAllStringSubmatch(pagesText+homeText, -1) {
		if _, ok := texts[m[1]]; !ok {
			t.Errorf("the pages use %s", m[1])
		}
	}
}

func TestCaddyfile(t *testing.T) {
	h := new(Handler)
	if err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser("payment_dashboard {\n site a.example b.example:8443\n language fa\n title \"Till\"\n page_size 50\n}")); err != nil {
		t.Fatal(err)
	}
	if len(h.Sites) != 2 || h.Language != "fa" || h.Title != "Till" || h.PageSize != 50 {
		t.Errorf("%+v", h)
	}
	for text, want := range map[string]string{
		"payment_dashboard x":                                "",
		"payment_dashboard {\n langauge fa\n}":               "did you mean 'language'?", //nolint:misspell // that is the point
		"payment_dashboard {\n langauge\n}":                  "did you mean 'language'?", //nolint:misspell // that is the point
		"payment_dashboard {\n colour\n}":                    "there is only site",
		"payment_dashboard {\n language de\n}":               "fa or en",
		"payment_dashboard {\n page_size 0\n}":               "page_size",
		"payment_dashboard {\n page_size 500\n}":             "page_size",
		"payment_dashboard {\n title a\n title b\n}":         "already specified",
		"payment_dashboard {\n title a {\n  colour x\n }\n}": "takes no block",
	} {
		err := new(Handler).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
