package dashboard

import (
	"bufio"
	"context"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// The first page says whether everything is well, what waits and what helps, how today and
// 30 days went, and how providers, shops and the ledger are, in both languages.
func TestHome(t *testing.T) {
	l := operatetest.New(t)
	srv := serve(t, &Handler{}, l)
	send(t, srv, "GET", "?lang=en", nil).want(t, 200, "Everything is well", "Nothing waits for you", "idpay", "shop.example", "Nodes", `role="img"`)
	for range 7 {
		l.Put(payment.Delivered, "", nil)
	}
	l.Put(payment.Declined, payment.ReasonNotPaid, nil)
	waits := l.Put(payment.Review, payment.ReasonAmount, nil)
	l.Put(payment.Declined, payment.ReasonOwed, func(r *payment.Record) { r.Receipt = &payment.Receipt{ID: r.ID, Amount: 700_000} })
	l.Found = []operate.Finding{
		{Level: operate.LevelError, Code: "unanswered", Where: "idpay", Text: "it has <b>answered</b> nothing"},
		{Level: operate.LevelOK, Code: "disk", Text: "fine"},
	}
	page := send(t, srv, "GET", "?lang=en", nil).want(t, 200, "Something needs you", "it has &lt;b&gt;answered&lt;/b&gt; nothing", "tab=open", waits.Order,
		"Owed to payers: 70,000 toman", "350,000 toman", "Success", "The same as a table")
	if strings.Contains(page.body, ">fine<") {
		t.Error("what is in order is a trouble")
	}
	if strings.Count(page.body, "<rect class=\"paid\"") != 31 {
		t.Errorf("%d bars", strings.Count(page.body, "<rect class=\"paid\""))
	}
	send(t, srv, "GET", "?lang=fa", nil).want(t, 200, "چیزی به شما نیاز دارد", "۳۵۰٬۰۰۰ تومان", `dir="rtl"`)
}

// What other owners' payments wait for is nobody's to see who has a site of his own.
func TestHomeOfOneSite(t *testing.T) {
	l := operatetest.New(t)
	l.Put(payment.Delivered, "", func(r *payment.Record) { r.Site = "other.example" })
	theirs := l.Put(payment.Review, payment.ReasonAmount, func(r *payment.Record) { r.Site = "other.example" })
	l.Found = []operate.Finding{{Level: operate.LevelError, Code: "waiting", Text: "for a person: 1 payment"}, {Level: operate.LevelError, Code: "shop", Where: "other.example", Text: "paid orders of theirs"}}
	page := send(t, serve(t, &Handler{Sites: []string{"shop.example"}}, l), "GET", "?lang=en", nil).want(t, 200, "Everything is well")
	for _, s := range []string{theirs.Order, "1 payment", "theirs", "50,000 toman"} {
		if strings.Contains(page.body, s) {
			t.Errorf("%q is shown", s)
		}
	}
	l.Found = []operate.Finding{{Level: operate.LevelError, Code: "store", Text: "the ledger takes no new payments"}}
	send(t, serve(t, &Handler{Sites: []string{"shop.example"}}, l), "GET", "?lang=en", nil).want(t, 200, "Something needs you", "takes no new payments")
}

// Each kind of page, for each role: who is unknown or has no role sees none, who may look
// sees all without a form that changes something, and each method but GET, HEAD and POST is
// refused to everybody.
func TestEveryPageForEveryRole(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Review, payment.ReasonAmount, nil)
	paid := l.Put(payment.Delivered, "", nil)
	srv := serve(t, &Handler{Role: "{http.auth.user.role}"}, l)
	pages := []string{"", "?q=" + r.Order, "?q=" + string(r.Ref), "?from=30d", "?state=review", "?ref=" + string(r.Ref), "?ref=" + string(paid.Ref), "?back=refund&ref=" + string(paid.Ref), "?live=1", "?cursor=x", "?ref=nonsense", "?nonsense=1"}
	for _, x := range tabs {
		pages = append(pages, "?tab="+x.key)
	}
	for _, page := range pages {
		for _, who := range [][]string{{"Test-User", "", "Test-Role", "decide"}, {"Test-User", "ali", "Test-Role", ""}, {"Test-User", "ali", "Test-Role", "boss"}} {
			for _, method := range []string{"GET", "HEAD", "POST"} {
				if a := send(t, srv, method, page, nil, who...).want(t, 403); strings.Contains(a.body, r.Order) && !strings.Contains(page, r.Order) || strings.Contains(a.body, paid.Order) {
					t.Errorf("%s %s shows a payment to %v", method, page, who)
				}
			}
		}
		for _, role := range []string{"view", "decide"} {
			who := []string{"Test-User", "ali", "Test-Role", role}
			a := send(t, srv, "GET", page, nil, who...)
			if forms := strings.Count(a.body, `<form method="post"`); forms > 0 && role == "view" || a.status >= 500 {
				t.Errorf("%s is answered %d with %d forms to who may %s", page, a.status, forms, role)
			}
			for _, method := range []string{"PUT", "DELETE", "PATCH", "OPTIONS"} {
				send(t, srv, method, page, nil, who...).want(t, 405)
			}
		}
		send(t, srv, "POST", page, url.Values{"decision": {"accept"}}, "Test-User", "ali", "Test-Role", "view").want(t, 403)
	}
	if l.Get(r.Ref).Version != r.Version || l.Get(paid.Ref).Version != paid.Version {
		t.Error("something was changed")
	}
}

// Who may only look sees everything and changes nothing, whatever he sends; who has no
// role sees nothing; and a role is what the authenticating handler says.
func TestRoles(t *testing.T) {
	l := operatetest.New(t)
	l.GiveBack = func(payment.GiveBack) payment.GivenBack {
		t.Error("the provider was asked")
		return payment.GivenBack{}
	}
	r := l.Put(payment.Review, payment.ReasonAmount, nil)
	paid := l.Put(payment.Delivered, "", nil)
	query := "?lang=en&ref=" + string(r.Ref)
	all := serve(t, &Handler{}, l)
	f := form(t, send(t, all, "GET", query, nil, "Test-User", "ali"), "accept")
	byRole := serve(t, &Handler{Role: "{http.auth.user.role}"}, l)
	byName := serve(t, &Handler{Deciders: []string{"sara"}}, l)
	for name, viewer := range map[string]func(method, query string, form url.Values) answer{
		"by role": func(method, query string, form url.Values) answer {
			return send(t, byRole, method, query, form, "Test-User", "ali", "Test-Role", "view", "X-Role", "decide", "Role", "decide")
		},
		"by name": func(method, query string, form url.Values) answer {
			return send(t, byName, method, query, form, "Test-User", "ali")
		},
	} {
		page := viewer("GET", query, nil).want(t, 200, "Your role lets you see payments")
		if strings.Contains(page.body, "<form method=\"post\"") {
			t.Errorf("%s: a form", name)
		}
		viewer("GET", "?lang=en", nil).want(t, 200, "Something needs you")
		for _, decision := range append(payment.Decisions(), payment.DecisionRule{Key: "verify"}, payment.DecisionRule{Key: "report"}, payment.DecisionRule{Key: "refund"}, payment.DecisionRule{Key: "reverse"}) {
			f.Set("decision", string(decision.Key))
			viewer("POST", query, f).want(t, 403, "You may look, not decide")
		}
		viewer("GET", "?lang=en&back=refund&ref="+string(paid.Ref), nil).want(t, 403)
	}
	if l.Get(r.Ref).Version != r.Version {
		t.Error("something was decided")
	}
	for _, role := range []string{"", "viewer", "DECIDE", "undecided"} {
		if a := send(t, byRole, "GET", query, nil, "Test-Role", role).want(t, 403); strings.Contains(a.body, r.Order) {
			t.Errorf("the role %q sees it", role)
		}
	}
	f.Set("decision", "accept")
	f.Set("token", form(t, send(t, byRole, "GET", query, nil, "Test-Role", "view, decide"), "accept").Get("token"))
	send(t, byRole, "POST", query, f, "Test-Role", "view, decide").want(t, 303)
	for text, want := range map[string]string{
		"payment_dashboard {\n role {http.request.header.X-Role}\n}":              "could be forged",
		"payment_dashboard {\n role decide\n}":                                    "could be forged",
		"payment_dashboard {\n role {http.auth.user.a}{http.request.header.b}\n}": "could be forged",
		"payment_dashboard {\n role {http.auth.user.role}\n decide sara\n}":       "not both",
	} {
		h := new(Handler)
		if err := h.UnmarshalCaddyfile(caddyfile.NewTestDispenser(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err := h.validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Money goes back behind a page that asks, with a note, once; and what became of a lost
// answer is said there.
func TestGiveBack(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Delivered, "", nil)
	srv := serve(t, &Handler{}, l)
	query := "?lang=en&ref=" + string(r.Ref)
	if page := send(t, srv, "GET", query, nil).want(t, 200); strings.Contains(page.body, "back=refund") {
		t.Error("a provider that can't give back has a button")
	}
	send(t, srv, "GET", query+"&back=refund", nil).want(t, 409)
	asked := 0
	outcome := payment.GiveBackDone
	l.GiveBack = func(q payment.GiveBack) payment.GivenBack {
		asked++
		return payment.GivenBack{Outcome: outcome, Number: "r-1"}
	}
	send(t, srv, "GET", query, nil).want(t, 200, "back=refund", "back=reverse")
	fill := func(query string) url.Values {
		page := send(t, srv, "GET", query, nil).want(t, 200)
		m := hidden.FindStringSubmatch(page.body)
		if m == nil {
			t.Fatal(page.body)
		}
		return url.Values{"decision": {m[1]}, "version": {m[2]}, "token": {m[3]}, "note": {"the customer asked"}, "sure": {"1"}}
	}
	without := func(f url.Values, name string) url.Values {
		c := url.Values{}
		maps.Copy(c, f)
		c.Del(name)
		return c
	}
	f := fill(query + "&back=refund")
	send(t, srv, "POST", query, without(f, "note")).want(t, 400, "Write why")
	unseen := without(f, "note")
	unseen.Set("note", "\u200b\u202e\u2800 ")
	send(t, srv, "POST", query, unseen).want(t, 400, "Write why")
	send(t, srv, "POST", query, without(f, "sure")).want(t, 400, "Look first")
	send(t, srv, "POST", query, without(f, "token")).want(t, 403)
	send(t, srv, "POST", query, f, "Sec-Fetch-Site", "cross-site").want(t, 403)
	f.Set("amount", "many")
	send(t, srv, "POST", query, f).want(t, 400, "with its unit")
	// A bare number has two readings, ten times apart, and digits that aren't grouped in
	// threes have none.
	for _, bare := range []string{"20000", "۲۰٬۰۰۰", "20 000"} {
		f.Set("amount", bare)
		send(t, srv, "POST", query, f).want(t, 400, "20,000 toman (that is 200,000 rial", "20,000 rial", "2,000 toman")
	}
	for _, bad := range []string{"200,00 toman", "20000,50toman", "0 toman", "-1toman", "1.5 toman", "99999999999999999999"} {
		f.Set("amount", bad)
		send(t, srv, "POST", query, f).want(t, 400, "with its unit")
	}
	f.Set("amount", "۵۰٬۰۰۱ تومان")
	send(t, srv, "POST", query, f).want(t, 409)
	if asked != 0 {
		t.Fatalf("asked %d times", asked)
	}
	f.Set("amount", "۲۰٬۰۰۰ تومان")
	a := send(t, srv, "POST", query, f).want(t, 303)
	send(t, srv, "GET", a.header.Get("Location"), nil).want(t, 200, "The money went back", "the customer asked")
	send(t, srv, "POST", query, f).want(t, 409, "Somebody else decided")
	if rec := l.Get(r.Ref); asked != 1 || rec.Repaid() != 200_000 || rec.Refunds[0].By != "sara" {
		t.Fatalf("asked %d times: %+v", asked, rec.Refunds)
	}
	outcome = payment.GiveBackUnknown
	a = send(t, srv, "POST", query, fill(query+"&back=refund")).want(t, 303)
	send(t, srv, "GET", a.header.Get("Location"), nil).want(t, 200, "Nobody knows whether the money went back", "What became of the refund?")
	f = fill(query + "&back=refund")
	f.Set("was", "done")
	send(t, srv, "POST", query, f).want(t, 303)
	if rec := l.Get(r.Ref); asked != 2 || rec.State != payment.Reversed {
		t.Errorf("asked %d times: %s", asked, rec.State)
	}
	send(t, srv, "GET", "?lang=en&tab=audit", nil).want(t, 200, "gave money back", "the customer asked", "sara")
}

// The search takes dates of both calendars, a state and any number; a wrong one is said.
func TestSearch(t *testing.T) {
	l := operatetest.New(t)
	r := l.Put(payment.Delivered, "", func(r *payment.Record) { r.CreatedAt = time.Now() }) // today, also just after midnight
	srv := serve(t, &Handler{}, l)
	for _, query := range []string{"q=1234", "q=882211", "q=50000", "from=today", "from=1400/01/01&to=today", "state=delivered", "q=" + strings.ToUpper(r.Order), "from=30d&state=delivered&q=882211"} {
		send(t, srv, "GET", "?lang=en&"+query, nil).want(t, 200, r.Order)
	}
	for _, query := range []string{"to=1400/01/01", "state=review", "q=882212"} {
		send(t, srv, "GET", "?lang=en&"+query, nil).want(t, 200, "No payments here")
	}
	send(t, srv, "GET", "?lang=en&from=1404/13/01", nil).want(t, 400, "This is no date")
	send(t, srv, "GET", "?lang=en&tab=audit&from=nonsense", nil).want(t, 400, "This is no date")
	send(t, srv, "GET", "?lang=en&state=nonsense", nil).want(t, 404)
	big := url.Values{"note": {strings.Repeat("x", 10<<20)}}
	send(t, srv, "POST", "?lang=en&ref="+string(r.Ref), big).want(t, 413)
}

// living is an app that tells of changes.
type living struct {
	*operatetest.Ledger
	mu sync.Mutex
	c  chan struct{}
}

func (l *living) Changed() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.c == nil {
		l.c = make(chan struct{})
	}
	return l.c
}

func (l *living) change() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.c != nil {
		close(l.c)
		l.c = nil
	}
}

// A stream tells of a change, is bounded in number, needs a user, and ends with the
// configuration at once.
func TestLive(t *testing.T) {
	l := operatetest.New(t)
	h := &Handler{}
	srv := serve(t, h, l)
	send(t, srv, "GET", "?live=1", nil).want(t, 204) // an app that tells nothing
	app := &living{Ledger: l}
	h.app = app
	send(t, srv, "GET", "?live=1", nil, "Test-User", "").want(t, 403)
	ctx, leave := context.WithCancel(t.Context())
	open := func(ctx context.Context) *http.Response {
		req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL+"/desk?live=1", nil)
		req.Header.Set("Test-User", "sara")
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return resp
	}
	first := open(ctx)
	if first.StatusCode != 200 || !strings.HasPrefix(first.Header.Get("Content-Type"), "text/event-stream") {
		t.Fatalf("%d %v", first.StatusCode, first.Header)
	}
	lines := bufio.NewScanner(first.Body)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "retry:") {
		t.Fatal(lines.Text())
	}
	app.change()
	for lines.Scan() && lines.Text() != "event: changed" {
	}
	if lines.Text() != "event: changed" {
		t.Fatal("no change was told")
	}
	var rest []*http.Response
	for range maxStreams - 1 {
		rest = append(rest, open(t.Context()))
	}
	if one := open(t.Context()); one.StatusCode != 503 {
		t.Errorf("one stream too many: %d", one.StatusCode)
	}
	leave()
	for end := time.Now().Add(10 * time.Second); streams.Load() >= maxStreams && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	if one := open(t.Context()); one.StatusCode != 200 {
		t.Errorf("where one has left: %d", one.StatusCode)
	}
	_ = h.Cleanup()
	for _, r := range rest {
		s := bufio.NewScanner(r.Body)
		for s.Scan() {
		}
		if s.Err() != nil {
			t.Error(s.Err())
		}
	}
	for end := time.Now().Add(10 * time.Second); streams.Load() > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	if n := streams.Load(); n != 0 {
		t.Errorf("%d streams are left", n)
	}
}
