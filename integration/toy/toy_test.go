package toy_test

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/integration/toy"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/providers/providertest"
)

func TestConformance(t *testing.T) {
	t.Setenv("TOY_TERMINAL", terminal)
	providertest.Run(t, providertest.Suite{
		New: func(t testing.TB, base string, timeout time.Duration) payment.Provider {
			p := &toy.Provider{Terminal: "{env.TOY_TERMINAL}"}
			p.BaseURL, p.Timeout = base, caddy.Duration(timeout)
			if err := providertest.Provision(t, p); err != nil {
				t.Fatal(err)
			}
			return p
		},
		Query:         payment.Query{ID: "toyref000001", Order: "A-7", Amount: 120_000, Serial: 77, Proof: "77:rcpt-1"},
		Order:         payment.Order{Number: "A-7", Amount: 120_000, Return: "https://shop.example/back", Title: "A mug", Serial: 77},
		Verified:      `{"code":0,"ref":"toyref000001","amount":12000,"card":"603799******1234"}`,
		Inquired:      `{"code":5,"ref":"toyref000001","amount":12000}`,
		Listed:        `{"code":0,"payments":[{"ref":"toyref000001","amount":12000}]}`,
		GiveBack:      payment.GiveBack{ID: "toyref000001", Amount: 120_000, Price: 120_000, Key: "k"},
		Refunded:      `{"code":0}`,
		Reversed:      `{"code":0}`,
		Created:       `{"code":0,"ref":"toyref000001"}`,
		CreatedStatus: http.StatusOK,
		Numbers:       []string{"code", "amount"},
		Secrets:       []string{terminal},
		Genuine:       map[string]string{"ref": "toyref000001", "number": "77", "status": "0", "receipt": "rcpt-1"},
	})
}

// A shop's own plugin is served the toy's API: every call of the document is read, and
// every answer that we give in its place is read back by its own client.
func TestRelay(t *testing.T) {
	t.Setenv("TOY_TERMINAL", terminal)
	const ref = "toyref000001"
	post := func(path, body string) payment.RelayCall {
		return payment.RelayCall{Path: path, Type: "application/json", Body: []byte(`{"terminal":"` + terminal + `",` + body + "}")}
	}
	about := func(kind payment.RelayKind) payment.RelayAsk { return payment.RelayAsk{Kind: kind, ID: ref} }
	proven := about(payment.RelayVerify)
	proven.Proof = ":rcpt-1"
	providertest.RunRelay(t, providertest.RelaySuite{
		New: func(t testing.TB, base string) payment.Relayer {
			p := &toy.Provider{Terminal: "{env.TOY_TERMINAL}"}
			p.BaseURL = base
			if err := providertest.Provision(t, p); err != nil {
				t.Fatal(err)
			}
			return p
		},
		Calls: []providertest.RelayExample{
			{Name: "start", Call: post("/start", `"number":77,"amount":12000,"callback":"https://shop.example/back"`), Owner: payment.RelayOwn,
				Ask: payment.RelayAsk{Kind: payment.RelayCreate, Order: "77", Number: 12000, Unit: payment.Toman, Callback: "https://shop.example/back"}},
			{Name: "capture", Call: post("/capture", `"ref":"`+ref+`","receipt":"rcpt-1"`), Owner: payment.RelayOwn, Ask: proven},
			{Name: "a stranger", Call: payment.RelayCall{Path: "/capture", Type: "application/json", Body: []byte(`{"terminal":"other","ref":"` + ref + `","receipt":"rcpt-1"}`)}, Owner: payment.RelayStranger, Ask: proven},
			{Name: "capture without a reference", Call: post("/capture", `"receipt":"rcpt-1"`), Malformed: "ref"},
			{Name: "look", Call: post("/look", `"ref":"`+ref+`"`), Owner: payment.RelayOwn, Ask: about(payment.RelayInquire)},
			{Name: "waiting", Call: post("/waiting", `"page":1`), Owner: payment.RelayOwn, Ask: payment.RelayAsk{Kind: payment.RelayHarmless}},
			{Name: "refund", Call: post("/refund", `"ref":"`+ref+`","amount":12000`), Owner: payment.RelayOwn, Ask: about(payment.RelayGiveBack)},
			{Name: "page", Call: payment.RelayCall{Method: http.MethodGet, Path: "/pay/" + ref}, Ask: about(payment.RelayPayPage)},
		},
		Record:  &payment.Record{ID: ref, Order: "77", Receipt: &payment.Receipt{Amount: 120_000, Card: "603799******1234"}},
		Created: `{"code":0,"ref":"` + ref + `"}`,
		Again:   payment.OutcomePaid,
		Reads:   map[payment.RelayWord]map[string]string{payment.RelayFirst: {"code": "0", "amount": "12000"}, payment.RelayForbidden: {"code": "9"}},
	})
}

// A list of what waits shows what the shop hasn't heard of, once, and is otherwise as it
// came.
func TestWhatIsUnheardIsListed(t *testing.T) {
	p := new(toy.Provider)
	rec := func(id string) *payment.Record {
		return &payment.Record{ID: id, Expect: payment.Expectation{Amount: 50_000, Source: payment.FromIntent}}
	}
	list := payment.RelayReply{Status: http.StatusOK, Type: "application/json", Body: []byte(`{"code":0,"payments":[{"ref":"toyref000001","amount":12000}]}`)}
	if !p.Lists(payment.RelayCall{Path: "/waiting/"}) || p.Lists(payment.RelayCall{Path: "/capture"}) {
		t.Error("which call asks for the list")
	}
	masked := p.Mask(list, []*payment.Record{rec("toyref000001"), rec("toyref000002")})
	if want := `{"code":0,"payments":[{"ref":"toyref000001","amount":12000},{"ref":"toyref000002","amount":5000}]}`; strings.TrimSpace(string(masked.Body)) != want {
		t.Errorf("%s, want %s", masked.Body, want)
	}
	for _, broken := range []payment.RelayReply{{Status: http.StatusOK, Body: []byte("<html>")}, {Status: http.StatusBadGateway}, {Status: http.StatusOK, Body: []byte(`{"code":9}`)}} {
		if got := p.Mask(broken, []*payment.Record{rec("toyref000002")}); string(got.Body) != string(broken.Body) || got.Status != broken.Status {
			t.Errorf("%s became %s", broken.Body, got.Body)
		}
	}
}

// Every optional contract of package payment for a gateway is one that the toy fulfils:
// what is added there must be tried here, through a module of somebody else's.
func TestEveryContractIsUsed(t *testing.T) {
	files, err := filepath.Glob("../../payment/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	implemented := map[string]bool{"Provider": true}
	own, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	guard := regexp.MustCompile(`(?m)^\t?(?:var )?_ +payment\.(\w+) += \(\*Provider\)\(nil\)`)
	for _, path := range own {
		for _, m := range guard.FindAllStringSubmatch(harness.ReadFile(t, path), -1) {
			implemented[m[1]] = true
		}
	}
	// The contracts of stores, networks and webhooks.
	others := []string{"Looker", "Store", "Clustered", "Reporter", "Canceler", "Subscriber", "Lander"}
	declared := regexp.MustCompile(`(?m)^type (\w+) interface`)
	for _, path := range files {
		for _, m := range declared.FindAllStringSubmatch(harness.ReadFile(t, path), -1) {
			if !implemented[m[1]] && !slices.Contains(others, m[1]) {
				t.Errorf("payment.%s: the toy does not implement it", m[1])
			}
		}
	}
	// What a gateway with a proof in its return can't have, or the gateways of this module try.
	left := []string{"AnswersOrder", "ReturnsOrder", "SendsAmount", "ComparesAmount", "BindsAmount", "TellsFirst"}
	said := reflect.ValueOf(new(toy.Provider).Protocol())
	for i := range said.NumField() {
		if name := said.Type().Field(i).Name; said.Field(i).IsZero() != slices.Contains(left, name) {
			t.Errorf("payment.Protocol.%s: the toy says %v", name, said.Field(i))
		}
	}
}

// build makes the Caddy of whoever has a gateway of his own.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "caddy-toy-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "caddy")
	out, err := exec.Command("go", "build", "-o", path, "./caddy").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(out), Err: err}
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := build(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// shop is a site that sells a mug through the toy.
func shop(t *testing.T, bankURL, upstream string) (*harness.Caddy, string) {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	site := harness.Site(t)
	c := harness.New(t, `{
	admin {{admin}}
	auto_https off
	payments {
		storage badger ledger
		provider toy {
			terminal {env.TOY_TERMINAL}
			base_url `+bankURL+`
		}
	}
}
`+site+` {
	payments {
		checkout /buy toy {
			item mug 12000toman "A mug"
			return /thanks
		}
		verify /thanks toy
	}
	reverse_proxy `+upstream+`
}
`, "TOY_TERMINAL="+terminal)
	c.Bin = bin
	c.Start()
	return c, site
}

// A gateway that uses every optional interface takes a payment from the click to the
// shop: by a form to the bank, with a proof that comes with the return, confirmed and
// settled.
func TestAWholePayment(t *testing.T) {
	t.Parallel()
	for name, failing := range map[string]int{"at once": 0, "settle fails twice": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, upstream := newBank(t), harness.NewShop(t)
			b.failing = failing
			_, site := shop(t, b.URL, upstream.URL)
			customer := harness.NewBrowser(t)
			form := customer.Post(site+"/buy/mug", nil)
			if form.Status != http.StatusOK || form.Header.Get("Referrer-Policy") != "strict-origin" ||
				!strings.Contains(form.Header.Get("Content-Security-Policy"), "script-src 'sha256-") || !strings.Contains(form.Body, "<button>") {
				t.Fatalf("the form to the bank: %d %v\n%s", form.Status, form.Header, form.Body)
			}
			action, fields := form.Form(t)
			if action != b.URL+"/pay" {
				t.Fatalf("the form leads to %s", action)
			}
			s := b.one(t)
			if s.amount != 12_000 || s.number <= 0 || s.number >= 1<<53 {
				t.Errorf("the toy was told %+v", s)
			}
			action, fields = customer.Post(action, fields).Form(t)
			back := comeBack(customer, action, fields)
			if failing == 0 && (back.Status != http.StatusOK || back.Body != "the shop answers") {
				t.Fatalf("the return: %d\n%s", back.Status, back.Body)
			}
			harness.Wait(t, "the shop is told", 60*time.Second, func() bool {
				if len(upstream.Told()) == 0 {
					comeBack(customer, action, fields) // the customer looks again
				}
				return len(upstream.Told()) == 1
			})
			told := upstream.Told()[0]
			for name, want := range map[string]string{"X-Payment-Provider": "toy", "X-Payment-Amount": "120000", "X-Payment-Item": "mug"} {
				if got := told.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			if told.Method != http.MethodGet || told.URI != "/thanks" {
				t.Errorf("the shop sees %s %s", told.Method, told.URI)
			}
			if s := b.one(t); !s.confirmed || s.settled != 1 || b.count("/confirm") != 1+failing {
				t.Errorf("%+v, confirmed %d times", s, b.count("/confirm"))
			}
		})
	}
}

// A return with another payment's number, or with an invented receipt, is not paid.
func TestAForgedProofPaysNothing(t *testing.T) {
	t.Parallel()
	b, upstream := newBank(t), harness.NewShop(t)
	_, site := shop(t, b.URL, upstream.URL)
	customer := harness.NewBrowser(t)
	action, genuine := b.pay(t, customer, site)
	for name, forged := range map[string][2]string{
		"another number":  {"number", "1" + genuine.Get("number")},
		"another receipt": {"receipt", "rcpt-toyref999999"},
		"no receipt":      {"receipt", ""},
	} {
		fields := maps.Clone(genuine)
		fields.Set(forged[0], forged[1])
		if p := comeBack(customer, action, fields); p.Status == http.StatusOK || len(upstream.Told()) != 0 {
			t.Errorf("%s: %d, told %d times", name, p.Status, len(upstream.Told()))
		}
	}
	time.Sleep(6 * time.Second) // a declined payment is asked about again after five
	if p := comeBack(customer, action, genuine); p.Status != http.StatusOK || len(upstream.Told()) != 1 {
		t.Errorf("the genuine return: %d, told %d times", p.Status, len(upstream.Told()))
	}
}

// The worker finds in the toy's list who paid and never came back. Without the
// return it can't be confirmed, so a person hears of it.
func TestTheListIsLookedAt(t *testing.T) {
	t.Parallel()
	b, upstream := newBank(t), harness.NewShop(t)
	c, site := shop(t, b.URL, upstream.URL)
	customer := harness.NewBrowser(t)
	b.pay(t, customer, site)
	c.Stop()
	c.Start() // a process looks at the list when it starts
	harness.Wait(t, "the owner hears of it", 90*time.Second, func() bool {
		return strings.Contains(c.Log(), "payment_unclaimed")
	})
	if b.count("/confirm") != 0 || len(upstream.Told()) != 0 {
		t.Errorf("confirmed %d times, told %d times", b.count("/confirm"), len(upstream.Told()))
	}
}

// What the toy's document forbids is found when the file is adapted, with file and
// line, as it is of the gateways that come with the module.
func TestEarlyErrors(t *testing.T) {
	t.Parallel()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ terminal, site, want string }{
		"nothing names the order":  {"", "verify /thanks toy", "say how order and amount are known, because the answer of toy does not name the order: expect intent|lookup|signed"},
		"expect none":              {"", "verify /thanks toy {\n\t\t\texpect none\n\t\t}", "expect none is only for providers whose answer names the order"},
		"lookup without an order":  {"", "verify /thanks toy {\n\t\t\texpect lookup http://127.0.0.1:1/{order}\n\t\t}", "expect lookup needs `order <placeholder>`"},
		"signed without used_ids":  {"", "verify /thanks toy {\n\t\t\texpect signed\n\t\t}", "expect signed needs `used_ids imported|none` in the block `provider toy`"},
		"an item of half a toman":  {"", "checkout /buy toy {\n\t\t\titem mug 120005rial\n\t\t}\n\t\tverify /thanks toy", "checkout /buy: item mug: provider toy doesn't accept its price: 120005 rials is not a multiple of 10 rials"},
		"an item below the least":  {"", "checkout /buy toy {\n\t\t\titem mug 900toman\n\t\t}\n\t\tverify /thanks toy", "is less than the least amount, 10000 rials"},
		"a gift beyond the most":   {"", "checkout /give toy {\n\t\t\tdonate 1000toman 300000000toman\n\t\t}\n\t\tverify /thanks toy", "is more than the greatest amount"},
		"an option that isn't one": {"\n\t\t\tterminl x", "verify /thanks toy", "terminal"},
	} {
		t.Run(name, func(t *testing.T) {
			caddy := harness.New(t, `{
	admin {{admin}}
	payments {
		provider toy {
			terminal {env.TOY_TERMINAL}`+c.terminal+`
		}
	}
}

http://shop.localhost {
	payments {
		`+c.site+`
	}
}
`)
			caddy.Bin = bin
			out, err := caddy.Run("adapt", "--config", caddy.Config(), "--adapter", "caddyfile")
			if err == nil || !strings.Contains(out, c.want) || !strings.Contains(out, "Caddyfile:") {
				t.Errorf("%v\n%s\nwant %s", err, out, c.want)
			}
		})
	}
}
