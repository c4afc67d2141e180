package browser_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// trackID is the one in the demo's own link.
const trackID = "064ee72930404724974761b0b41e9e49"

// demo is the demo as the README runs it.
type demo struct {
	shop, box, board string
}

// startDemo runs examples/Caddyfile: a copy of examples/ in which nothing but the
// ports is another, with the directory that holds it as the working directory.
func startDemo(t *testing.T) *demo {
	t.Helper()
	return startDemoAt(t, harness.Port(t), harness.Port(t), harness.Port(t))
}

func startDemoAt(t *testing.T, shop, box, board int) *demo {
	t.Helper()
	d := &demo{
		shop: fmt.Sprintf("http://localhost:%d", shop), box: fmt.Sprintf("http://localhost:%d", box),
		board: fmt.Sprintf("http://localhost:%d", board),
	}
	ports := strings.NewReplacer("http://localhost:9100", d.shop, "http://localhost:9101", d.box, "http://localhost:9102", d.board)
	root := filepath.Join("..", "..")
	text := ports.Replace(harness.ReadFile(t, filepath.Join(root, "examples", "Caddyfile")))
	const global = "{\n\tpayments {"
	if strings.Count(text, global) != 1 {
		t.Fatalf("examples/Caddyfile has no longer %q", global)
	}
	c := harness.New(t, strings.Replace(text, global, "{\n\tadmin {{admin}}\n\tpayments {", 1))
	err := filepath.WalkDir(filepath.Join(root, "examples"), func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(c.Dir, name), 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(c.Dir, name), []byte(ports.Replace(string(b))), 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Start()
	return d
}

// control pulls a lever of the sandbox.
func (d *demo) control(t *testing.T, method, path, body string) {
	t.Helper()
	req, err := http.NewRequest(method, d.box+"/_control/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 {
		t.Fatalf("%s %s: %s", method, path, res.Status)
	}
}

// toBank goes from a product's page to the bank's.
func (d *demo) toBank(p *person, page, provider, item string) {
	p.t.Helper()
	p.open(d.shop + page)
	p.press(fmt.Sprintf(`a[href="/buy/%s/%s"]`, provider, item))
	p.at("/buy/" + provider + "/" + item)
	p.press("form button")
	p.see(`button[value=pay]`)
	if at := read[string](p, "location.origin"); at != d.box {
		p.t.Fatalf("not at the bank but at %s", at)
	}
}

func TestDemoBuyFromEveryProvider(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	for _, tt := range []struct {
		provider, item, language, page string
		sum, rial                      string
		amount                         int
		download                       string
	}{
		{"zarinpal", "book", "fa-IR,fa", "/product/book", "۲۸۵٬۰۰۰ تومان", "۲٬۸۵۰٬۰۰۰ ریال", 2_850_000, ""},
		{"idpay", "mug", "", "/product/mug", "۱۲۰٬۰۰۰ تومان", "۱٬۲۰۰٬۰۰۰ ریال", 1_200_000, ""},
		{"sama", "ebook", "en-US,en", "/en/product/ebook", "45,000 toman", "450,000 rials", 450_000, "/download/ebook.html"},
		{"24pal", "poster", "fa-IR,fa", "/product/poster", "۹۰٬۰۰۰ تومان", "۹۰۰٬۰۰۰ ریال", 900_000, "/download/poster.svg"},
		{"invoice", "book", "en-GB,en", "/en/product/book", "285,000 toman", "2,850,000 rials", 2_850_000, ""},
	} {
		t.Run(tt.provider, func(t *testing.T) {
			t.Parallel()
			p := arrive(t, settings{Language: tt.language})
			direction := "rtl"
			if strings.HasPrefix(tt.language, "en") {
				direction = "ltr"
			}
			track := trackID[:29] + tt.provider[:3]
			d.toBank(p, tt.page+"?track_id="+track, tt.provider, tt.item)
			p.press(`button[value=pay]`)
			p.at("/thanks/" + tt.provider)
			p.see("[data-status=verified]")
			if got := read[string](p, "document.documentElement.dir"); got != direction {
				t.Errorf("the page runs %s, want %s", got, direction)
			}
			if order := p.text("#order"); order == "" {
				t.Error("no order")
			}
			if sum := p.text("#amount"); sum != tt.sum+" "+tt.rial {
				t.Errorf("the sum: %q, want %q", sum, tt.sum+" "+tt.rial)
			}
			if rials := read[string](p, "document.querySelector('#amount').dataset.rial"); rials != strconv.Itoa(tt.amount) {
				t.Errorf("rials: %s", rials)
			}
			if reference := p.text("#reference"); reference == "" {
				t.Error("no bank reference")
			}
			p.noProblems("the way")
			p.onlyAsked(d.shop, d.box)

			if tt.download != "" {
				p.press(`a[href="` + tt.download + `"]`)
				p.at(tt.download)
				if p.status() != http.StatusOK {
					t.Errorf("what was bought: %d", p.status())
				}
				stranger := arrive(t, settings{})
				stranger.open(d.shop + tt.download)
				if stranger.status() != http.StatusPaymentRequired {
					t.Errorf("a stranger gets what another has bought: %d", stranger.status())
				}
				stranger.see(`a[href="/buy/zarinpal/` + tt.item + `"]`)
			}

			// What was reported to the network.
			p.open(d.box + "/hamekar/")
			p.until("the conversion is there", "document.body.innerText.includes("+quote(track)+")")
			if !read[bool](p, "[...document.querySelectorAll('.scroll')].every(e => e.scrollWidth <= e.clientWidth)") {
				t.Error("the table of conversions has to be scrolled")
			}

			// The shop's first page speaks the browser's language, until another is asked for.
			p.open(d.shop + "/")
			if got := read[string](p, "document.documentElement.dir"); p.status() != http.StatusOK || got != direction {
				t.Errorf("the shop: %d, it runs %s", p.status(), got)
			}
			p.press("a.lang")
			p.until("the other language", "document.documentElement.dir!=="+quote(direction))
		})
	}
}

func TestDemoNotPaidIsSaidAndCanBeTriedAgain(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	const declined, cancelled = "The payment did not go through", "The payment was cancelled You came back from the bank without paying."
	for _, tt := range []struct{ provider, action, says string }{
		// IDPay's return tells a customer's choice from a bank's refusal.
		{"idpay", "cancel", cancelled}, {"idpay", "decline", declined},
		{"sama", "decline", declined}, {"zarinpal", "cancel", declined},
		// The invoice script has one code for both.
		{"24pal", "cancel", declined}, {"invoice", "decline", declined},
	} {
		provider, action := tt.provider, tt.action
		t.Run(provider+"/"+action, func(t *testing.T) {
			t.Parallel()
			p := arrive(t, settings{Language: "en"})
			d.toBank(p, "/en/product/mug", provider, "mug")
			p.press("button[value=" + action + "]")
			p.at("/thanks/" + provider)
			if p.status() != http.StatusPaymentRequired {
				t.Errorf("status %d", p.status())
			}
			if text := p.text("main"); !strings.HasPrefix(strings.TrimPrefix(text, "Test mode: no money moves "), tt.says) || strings.Contains(text, "Thank you") {
				t.Errorf("the page does not say that nothing was paid: %s", text)
			}
			p.press(`a[href="/buy/` + provider + `/mug"]`)
			p.press("form button")
			p.press("button[value=pay]")
			p.see("[data-status=verified]")
			p.noProblems("the way")
		})
	}
}

func TestDemoTabClosedAtTheBank(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := arrive(t, settings{Language: "en"})
	d.toBank(p, "/en/product/ebook", "zarinpal", "ebook")
	bank := read[string](p, "location.href")
	p.press("button[value=close]")
	p.until("the bank says that it is paid", `!document.querySelector("button[value=pay]")`)
	if at := read[string](p, "location.origin"); at != d.box {
		t.Fatalf("the customer returned: %s", at)
	}
	p.open(d.shop + "/download/ebook.html")
	if p.status() != http.StatusPaymentRequired {
		t.Errorf("before the shop could know: %d", p.status())
	}
	// Later they find the bank's tab again.
	p.open(bank)
	p.press("button[value=return]")
	p.see("[data-status=verified]")
	p.press(`a[href="/download/ebook.html"]`)
	p.at("/download/ebook.html")
	if p.status() != http.StatusOK {
		t.Errorf("what was bought: %d", p.status())
	}
	// And once more: no second thank-you, no second payment.
	p.open(bank)
	p.press("button[value=return]")
	p.see("[data-status=duplicate]")
}

func TestDemoProviderDownForAMoment(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	d.control(t, http.MethodPost, "faults", `{"kind":"status","operation":"verify","status":502}`)
	p := arrive(t, settings{Language: "en"})
	d.toBank(p, "/en/product/mug", "sama", "mug")
	p.press("button[value=pay]")
	p.at("/thanks/sama")
	if p.status() != http.StatusAccepted {
		t.Errorf("status %d", p.status())
	}
	if text := p.text("main"); strings.Contains(text, "Thank you") {
		t.Errorf("told \"paid\" before the provider said so: %s", text)
	}
	d.control(t, http.MethodDelete, "faults", "")
	p.see("[data-status=verified]") // the page refreshes itself
}

// TestDemoPictures takes the pictures of the README.
func TestDemoPictures(t *testing.T) {
	if !*updateImages {
		return // only with -update-images
	}
	d, dir := startDemoAt(t, 9100, 9101, 9102), t.TempDir()
	for _, lang := range []struct{ accept, page, suffix string }{{"en", "/en", ""}, {"fa", "", "-fa"}} {
		p := arrive(t, settings{Language: lang.accept})
		names := []string{"product", "bank", "confirming", "thanks", "hamekar"}
		keep := func(name string) {
			p.until("the pictures are there", "[...document.images].every(i=>i.complete)")
			p.noProblems(name)
			if err := os.WriteFile(filepath.Join(dir, name+lang.suffix+".png"), p.picture(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		p.open(d.shop + lang.page + "/product/ebook?track_id=" + trackID)
		keep("product")
		d.toBank(p, lang.page+"/product/ebook", "zarinpal", "ebook")
		keep("bank")
		d.control(t, http.MethodPost, "faults", `{"kind":"status","operation":"verify","status":502}`)
		p.press("button[value=pay]")
		p.at("/thanks/zarinpal")
		keep("confirming")
		d.control(t, http.MethodDelete, "faults", "")
		p.see("[data-status=verified]")
		keep("thanks")
		p.open(d.box + "/hamekar/")
		p.until("the conversion is there", "document.body.innerText.includes("+quote(trackID)+")")
		keep("hamekar")
		image(t, "demo"+lang.suffix, sideBySide(t, dir, names, lang.suffix, lang.accept == "fa"))
	}
}

// sideBySide is a picture of pictures.
func sideBySide(t *testing.T, dir string, names []string, suffix string, rtl bool) []byte {
	t.Helper()
	var b bytes.Buffer
	direction := "ltr"
	if rtl {
		direction = "rtl"
	}
	fmt.Fprintf(&b, `<!doctype html><html dir=%s><meta charset=utf-8><style>
		body{margin:0;padding:24px;display:flex;gap:24px;background:#e9edf1}
		img{width:216px;height:444px;border-radius:18px;border:6px solid #20262e;display:block}
	</style>`, direction)
	for _, name := range names {
		fmt.Fprintf(&b, `<img src="file://%s/%s%s.png">`, dir, name, suffix)
	}
	page := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	p := arrive(t, settings{})
	p.screen(int64(24+len(names)*(228+24)), 456+48, 1)
	p.open("file://" + page)
	p.until("the pictures are there", "[...document.images].every(i=>i.complete&&i.naturalWidth>0)")
	return p.picture()
}

const images = "../../docs/images"

// image writes a picture that the README shows.
func image(t testing.TB, name string, picture []byte) {
	t.Helper()
	if len(picture) > 150_000 {
		t.Errorf("%s has %d bytes", name, len(picture))
	}
	if err := os.MkdirAll(images, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(images, name+".png"), picture, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d KiB", name, len(picture)>>10)
}
