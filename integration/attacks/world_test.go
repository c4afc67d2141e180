package attacks_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// world is one Caddy with the sites of many trials, each with a provider of its
// own beside it.
type world struct {
	*harness.Caddy
	t     testing.TB
	php   *harness.FPM
	boxes string
	by    *boxes
	// open is where Caddy's own filter of underscores and dots lets our names
	// pass, port is where it stands as Caddy brings it.
	port, open int

	global, sites strings.Builder
	// env has each shop's own key.
	env []string

	mu    sync.Mutex
	pages strings.Builder
}

// fpm is the php-fpm of the package.
var fpm struct {
	sync.Once
	*harness.FPM
	dir string
	err error
}

func newWorld(t testing.TB) *world {
	t.Helper()
	program := harness.FPMProgram(t)
	fpm.Do(func() {
		if fpm.dir, fpm.err = os.MkdirTemp("", "payments-attacks-"); fpm.err != nil {
			return
		}
		if fpm.FPM, fpm.err = harness.NewFPM(program, fpm.dir, 24); fpm.err == nil {
			fpm.err = fpm.Start()
		}
	})
	if fpm.err != nil {
		t.Fatal(fpm.err)
	}
	w := &world{t: t, php: fpm.FPM, by: &boxes{all: make(map[string]*box)}, port: harness.Port(t), open: harness.Port(t)}
	srv := httptest.NewServer(w.by)
	t.Cleanup(srv.Close)
	w.boxes = srv.URL
	return w
}

// add makes a trial's provider, shop and site.
func (w *world) add(x *trial) {
	w.t.Helper()
	s, err := sandbox.New(sandbox.Options{Return: sandbox.ReturnPost})
	if err != nil {
		w.t.Fatal(err)
	}
	x.w, x.name, x.dir = w, strings.ToLower(x.attack.id+"-"+x.how), w.t.TempDir()
	x.box = &box{Server: s, lookup: x.lookup}
	w.by.all[x.name] = x.box
	x.boxURL = w.boxes + "/t/" + x.name
	x.apiKey = fmt.Sprintf("%s%012d", harness.APIKey[:len(harness.APIKey)-12], len(w.env)+1)
	w.env = append(w.env, "API_KEY_"+x.name+"="+x.apiKey)
	host := x.name + ".localhost"
	x.port = w.port
	if x.us && x.how != silent {
		x.port = w.open
	}
	x.site = fmt.Sprintf("http://%s:%d", host, x.port)
	www, _ := filepath.Abs("testdata/www")
	see, _ := filepath.Abs("../php/testdata/see.php")
	helpers, _ := filepath.Abs("../../examples/php")
	x.provider, x.back = sandbox.ProviderIDPay, "/"+x.how+".php"
	announces := "no"
	if x.us {
		x.back = or(x.attack.back, "/back")
		if x.how == sama || x.how == script {
			x.provider = x.how
		}
		if x.how != silent {
			announces = "yes"
		}
		w.provide(x)
	}
	if x.how == authority {
		x.provider = sandbox.ProviderSama
	}
	fill := strings.NewReplacer("NAME", x.name, "BOX", x.boxURL, "SITE", x.site, "WWW", www)
	env := ""
	for _, pair := range [][2]string{
		{"SHOP_DIR", x.dir}, {"SHOP_BOX", x.boxURL}, {"SHOP_PROVIDER", x.provider}, {"SHOP_BACK", x.back}, {"SHOP_ORIGIN", x.site},
		{"SHOP_ANNOUNCES", announces}, {"SEE", see}, {"HELPERS", helpers}, {"API_KEY", "{env.API_KEY_" + x.name + "}"}, {"MERCHANT_ID", "{env.MERCHANT_ID}"},
		{"SIGNING_KEY", "{env.SIGNING_KEY}"}, {"PLACED_STATUS", "{http.payments.status}"},
	} {
		env += "\t\tenv " + pair[0] + " " + pair[1] + "\n"
	}
	if x.attack.php != "" {
		env += "\t\tenv PHP_VALUE " + x.attack.php + "\n"
	}
	fmt.Fprintf(&w.sites, "%s {\n\troot %s\n%s%s\tphp_fastcgi unix/%s {\n%s\t}\n}\n",
		x.site, www, fill.Replace(x.attack.before), fill.Replace(x.payments()), w.php.Socket, env)
	if x.attack.around {
		// The same shop, and nobody in front of it.
		x.bare = fmt.Sprintf("http://bare-%s:%d", host, w.port)
		fmt.Fprintf(&w.sites, "%s {\n\troot %s\n\tphp_fastcgi unix/%s {\n%s\t}\n}\n", x.bare, www, w.php.Socket, env)
	}
}

// provide writes the provider of a trial with us.
func (w *world) provide(x *trial) {
	options := strings.NewReplacer("NAME", x.name, "BOX", x.boxURL).Replace(x.attack.provider)
	key := "api_key {env.API_KEY_" + x.name + "}"
	switch x.provider {
	case sandbox.ProviderSama:
		key = "merchant_id {env.MERCHANT_ID}"
	case sandbox.Provider24Pal:
		key += "\n\t\t\tused_ids none"
	}
	base := x.boxURL
	if x.attack.secure {
		x.tls = listen(w.t, true)
		base = x.tls.URL
	}
	fmt.Fprintf(&w.global, "\t\tprovider %s %s {\n\t\t\t%s\n\t\t\tbase_url %s/%s\n%s\t\t}\n", x.provider, x.name, key, base, x.provider, options)
}

// payments is the block of a site with us.
func (x *trial) payments() string {
	if !x.us {
		return ""
	}
	expect := "expect intent\n"
	if x.how == silent {
		expect = ""
	}
	route := x.attack.route
	if own, ok := x.attack.routes[x.how]; ok {
		route = own
	}
	if strings.Contains(route, "expect ") {
		expect = ""
	}
	return "\tpayments {\n\t\tverify " + x.back + " NAME {\n" + expect + route + "\n\t\t}\n" + x.attack.block + "\n\t}\n"
}

// start runs Caddy.
func (w *world) start() {
	w.t.Helper()
	text := `{
	admin {{admin}}
	auto_https off
	servers :` + strconv.Itoa(w.open) + ` {
` + harness.OpenFilter + `
	}
	payments {
		storage badger ledger
		signing_key {env.SIGNING_KEY}
		affiliate hamekar {
			store_token {env.STORE_TOKEN}
			base_url ` + w.boxes + `/t/hamekar/hamekar
		}
` + w.global.String() + "\t}\n}\n" + w.sites.String()
	s, err := sandbox.New(sandbox.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.by.all["hamekar"] = &box{Server: s}
	w.Caddy = harness.Start(w.t, text, append(harness.Environment(), w.env...)...)
}

// remember keeps what a browser got, for the hunt.
func (w *world) remember(p harness.Page) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pages.WriteString(p.Body)
	for name, values := range p.Header {
		w.pages.WriteString(name + ": " + strings.Join(values, ",") + "\n")
	}
}

// hunt looks for secrets in everything that was said: A57's net is as wide as
// the corpus. It stops Caddy.
func (w *world) hunt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.Hunt(w.pages.String())
}

// boxes are the providers, below /t/<trial>/.
type boxes struct{ all map[string]*box }

// box is one trial's provider; it notes what it is asked.
type box struct {
	*sandbox.Server
	mu     sync.Mutex
	asked  []string
	answer http.Handler
	// lookup is the shop's answer to "what does this order cost".
	lookup func(http.ResponseWriter, string)
}

func (b *boxes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/t/"), "/")
	one := b.all[name]
	if one == nil {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.URL.Path = strings.TrimPrefix(r.URL.Path, "/t/"+name)
	if order, ok := strings.CutPrefix(r.URL.Path, "/lookup/"); ok {
		one.lookup(w, order)
		return
	}
	one.mu.Lock()
	one.asked = append(one.asked, r.Method+" "+r.URL.Path+" "+string(body))
	answer := one.answer
	one.mu.Unlock()
	if answer == nil {
		answer = one.Server
	}
	answer.ServeHTTP(w, r)
}

// instead answers for the provider; nil gives it back.
func (b *box) instead(h http.Handler) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = h
}

// about is how often the provider was asked whether something is paid, in calls
// that contain all of these texts.
func (b *box) about(texts ...string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
next:
	for _, call := range b.asked {
		if !strings.Contains(call, "verify") && !strings.Contains(call, "/check/") && !strings.Contains(call, "inquiry") {
			continue
		}
		for _, text := range texts {
			if !strings.Contains(call, text) {
				continue next
			}
		}
		n++
	}
	return n
}

func or(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

func TestMain(m *testing.M) { os.Exit(run(m)) }
