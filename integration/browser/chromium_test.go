// Package browser_test looks at everything the way a customer does: with a real
// Chromium of a phone's size, from the product's page to the bank and back.
package browser_test

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/rahgir/caddy-payments/integration/harness"
)

var (
	updateImages = flag.Bool("update-images", false, "take the README's pictures anew (docs/images)")
	shots        = flag.String("shots", "", "a directory that gets a picture of every page that is looked at")
)

// A phone's screen, in CSS pixels.
const (
	phoneWidth  = 360
	phoneHeight = 740
)

// patience is for a machine that is busy with other things.
const patience = 60 * time.Second

// noGrace makes every cookie without a SameSite attribute as old as one that
// was set more than two minutes ago: until then Chromium sends it along with a
// cross-site POST, so that whoever tries a shop's return by hand sees it work.
const noGrace = "SameSiteDefaultChecksMethodRigorously"

// chromium starts one for the whole package, on the first use. Each person has
// a profile of their own in it.
var chromium = sync.OnceValues(func() (context.Context, context.CancelFunc) {
	return startChromium(noGrace)
})

func startChromium(features string) (context.Context, context.CancelFunc) {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program),
		chromedp.NoSandbox,
		chromedp.Flag("headless", "new"),
		chromedp.Flag("disable-gpu", true),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("force-prefers-reduced-motion", true),
		chromedp.WSURLReadTimeout(patience),
	)
	if features != "" {
		options = append(options, chromedp.Flag("enable-features", features))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, closeBrowser := chromedp.NewContext(allocator)
	if err := chromedp.Do(browser); err != nil {
		panic(fmt.Sprintf("chromium does not start: %v", err))
	}
	return browser, func() { closeBrowser(); stop() }
}

var (
	program string
	started sync.Once
	used    bool
)

func TestMain(m *testing.M) {
	flag.Parse()
	harness.AsPeopleRun()
	code := m.Run()
	if used {
		_, stop := chromium()
		stop()
	}
	os.Exit(code)
}

// settings of a person's browser.
type settings struct {
	// Language is the browser's Accept-Language.
	Language string
	Dark     bool
	NoScript bool
	// Grace keeps Chromium's two minutes for cookies without SameSite.
	Grace bool
}

// person is someone with a browser of their own.
type person struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	problems []string
	asked    []string
	document *network.Response
}

// arrive opens a fresh profile.
func arrive(t testing.TB, s settings) *person {
	t.Helper()
	started.Do(func() {
		program = harness.Need(t, "chromium", "chromium-browser", "google-chrome")
		used = true
	})
	if program == "" {
		t.Skip("no chromium")
	}
	browser, _ := chromium()
	if s.Grace {
		var stop context.CancelFunc
		browser, stop = startChromium("")
		t.Cleanup(stop)
	}
	p := &person{t: t}
	ctx, leave := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.heard))
	t.Cleanup(leave)
	p.ctx = ctx
	p.must(chromedp.Do(ctx, chromedp.EmulateViewport(phoneWidth, phoneHeight, chromedp.EmulateScale(2), chromedp.EmulateMobile)))
	p.must(second(chromedp.Call(ctx, log.Enable, struct{}{})))
	p.must(second(chromedp.Call(ctx, audits.Enable, struct{}{})))
	p.must(second(chromedp.Call(ctx, network.Enable, network.EnableParams{})))
	p.set(s)
	return p
}

func second[T any](_ T, err error) error { return err }

// set changes the browser's settings.
func (p *person) set(s settings) {
	p.t.Helper()
	if s.Language == "" {
		s.Language = "fa-IR,fa"
	}
	scheme := "light"
	if s.Dark {
		scheme = "dark"
	}
	p.must(second(chromedp.Call(p.ctx, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{
		UserAgent:      "Mozilla/5.0 (Linux; Android 15; Phone) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
		AcceptLanguage: s.Language,
	})))
	p.must(second(chromedp.Call(p.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})))
	p.must(second(chromedp.Call(p.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: s.NoScript})))
}

// heard notes whatever the browser complains of. It runs inside the reading
// loop and must not call it.
func (p *person) heard(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch ev := ev.(type) {
	case *network.EventRequestWillBeSent:
		p.asked = append(p.asked, ev.Request.URL)
	case *network.EventResponseReceived:
		if ev.Type == network.ResourceTypeDocument {
			p.document = ev.Response
		}
	case *log.EventEntryAdded:
		// Every answer of 4xx is an entry of the network's.
		if e := ev.Entry; e.Source != log.EntrySourceNetwork && (e.Level == log.EntryLevelError || e.Level == log.EntryLevelWarning) {
			p.problems = append(p.problems, fmt.Sprintf("%s: %s", e.Source, e.Text))
		}
	case *runtime.EventExceptionThrown:
		p.problems = append(p.problems, "exception: "+ev.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if ev.Type == runtime.ConsoleAPICalledTypeError || ev.Type == runtime.ConsoleAPICalledTypeWarning {
			p.problems = append(p.problems, "console."+string(ev.Type))
		}
	case *audits.EventIssueAdded:
		if ev.Issue.Code == audits.InspectorIssueCodeContentSecurityPolicyIssue {
			p.problems = append(p.problems, fmt.Sprintf("the page breaks its policy: %+v", ev.Issue.Details.ContentSecurityPolicyIssueDetails))
		}
	}
}

func (p *person) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%v\nat %s", err, p.where())
	}
}

// where is the page's address and text, for a test that fails.
func (p *person) where() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href+"\n"+document.title+"\n"+document.body.innerText`))
	return text
}

// open types an address.
func (p *person) open(address string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	p.must(chromedp.Do(ctx, chromedp.Navigate(address)))
}

// press taps the first thing that fits a CSS selector.
func (p *person) press(selector string) {
	p.t.Helper()
	p.see(selector)
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	p.must(chromedp.Do(ctx, chromedp.Click(chromedp.CSS(selector))))
}

// fill types into a field.
func (p *person) fill(selector, text string) {
	p.t.Helper()
	p.see(selector)
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	p.must(chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS(selector), text)))
}

// see waits until something that fits a CSS selector is there.
func (p *person) see(selector string) {
	p.t.Helper()
	p.until(selector+" is there", "document.querySelector("+quote(selector)+")!==null")
}

// until waits until an expression holds; pages may change meanwhile.
func (p *person) until(what, expression string) {
	p.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.readyState==='complete'&&("+expression+")"))
		cancel()
		if err == nil && ok {
			return
		}
	}
	p.t.Fatalf("waited in vain: %s\nat %s", what, p.where())
}

// at waits for a page by its path.
func (p *person) at(path string) {
	p.t.Helper()
	p.until("the page "+path, "location.pathname==="+quote(path))
}

// text is what stands in something.
func (p *person) text(selector string) string {
	p.t.Helper()
	p.see(selector)
	return strings.Join(strings.Fields(read[string](p, "document.querySelector("+quote(selector)+").innerText")), " ")
}

// read evaluates an expression in the page, again if that was just going away:
// some refresh themselves.
func read[T any](p *person, expression string) T {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	for try := 0; err != nil && try < 3; try++ {
		time.Sleep(300 * time.Millisecond)
		v, err = chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	}
	p.must(err)
	return v
}

// status is the last page's HTTP status.
func (p *person) status() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.document == nil {
		return 0
	}
	return p.document.Status
}

// cookies of a site by name.
func (p *person) cookies(site string) map[string]*network.Cookie {
	p.t.Helper()
	got, err := chromedp.Call(p.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{site}})
	p.must(err)
	found := make(map[string]*network.Cookie)
	for _, c := range got.Cookies {
		found[c.Name] = c
	}
	return found
}

// onlyAsked reports requests to any other origin than these.
func (p *person) onlyAsked(origins ...string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, address := range p.asked {
		u, err := url.Parse(address)
		if err != nil || u.Scheme == "data" || u.Scheme == "about" {
			continue
		}
		if !slices.Contains(origins, u.Scheme+"://"+u.Host) {
			p.t.Errorf("somebody else was asked: %s", address)
		}
	}
}

// noProblems reports what the browser complained of, and forgets it.
func (p *person) noProblems(page string) {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.problems {
		p.t.Errorf("%s: the browser complains: %s", page, s)
	}
	p.problems = nil
}

// picture is the screen as it is now.
func (p *person) picture() []byte {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	b, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	p.must(err)
	return b
}

// shoot keeps a picture where -shots says so.
func (p *person) shoot(name string) {
	p.t.Helper()
	if *shots == "" {
		return
	}
	if err := os.MkdirAll(*shots, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*shots, name+".png"), p.picture(), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// quote writes a string in JavaScript.
func quote(s string) string { return fmt.Sprintf("%q", s) }

// screen changes the screen's size.
func (p *person) screen(width, height int64, scale float64) {
	p.t.Helper()
	p.must(chromedp.Do(p.ctx, chromedp.EmulateViewport(width, height, chromedp.EmulateScale(scale))))
}
