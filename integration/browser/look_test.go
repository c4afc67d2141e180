package browser_test

import (
	"strings"
	"testing"
)

// look is how a page is looked at.
type look struct {
	name string
	settings
}

func (l look) persian() bool { return !strings.HasPrefix(l.Language, "en") }

// looks are both languages, by day and by night.
var looks = []look{
	{"fa", settings{Language: "fa-IR,fa;q=0.9,en;q=0.5"}},
	{"fa-dark", settings{Language: "fa", Dark: true}},
	{"en", settings{Language: "en-US,en;q=0.9,fa;q=0.5"}},
	{"en-dark", settings{Language: "en", Dark: true}},
}

// faint finds texts that can hardly be read: less contrast than WCAG AA asks
// for.
const faint = `(() => {
	const rgb = s => { const m = s.match(/[\d.]+/g).map(Number); return {r:m[0], g:m[1], b:m[2], a:m.length > 3 ? m[3] : 1} };
	const over = (f, b) => ({r:f.r*f.a+b.r*(1-f.a), g:f.g*f.a+b.g*(1-f.a), b:f.b*f.a+b.b*(1-f.a), a:1});
	const light = c => { const f = v => (v /= 255) <= .04045 ? v/12.92 : ((v+.055)/1.055)**2.4; return .2126*f(c.r)+.7152*f(c.g)+.0722*f(c.b) };
	const canvas = matchMedia('(prefers-color-scheme: dark)').matches ? {r:18,g:18,b:18,a:1} : {r:255,g:255,b:255,a:1};
	const behind = e => { const layers = []; for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c.a > 0) layers.push(c); if (c.a === 1) break }
		return layers.reverse().reduce((b, f) => over(f, b), canvas) };
	const bad = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = walk.nextNode();) {
		const e = n.parentElement, s = getComputedStyle(e), text = n.data.trim();
		if (!text || e.closest('script,style') || !e.checkVisibility() || !e.getClientRects().length) continue;
		const b = behind(e), x = light(over(rgb(s.color), b)), y = light(b);
		const ratio = (Math.max(x, y)+.05)/(Math.min(x, y)+.05), size = parseFloat(s.fontSize);
		const least = size >= 24 || size >= 18.6 && s.fontWeight >= 700 ? 3 : 4.5;
		if (ratio < least) bad.push(text.slice(0, 30)+' '+ratio.toFixed(2));
	}
	return bad.join('; ');
})()`

// small finds things to tap that a thumb misses.
const small = `[...document.querySelectorAll('button,a.button,main input:not([type=hidden])')].filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 40).map(e => e.innerText).join('; ')`

// tiny finds texts of less than 12 CSS pixels: an order's number or a card's is read out.
const tiny = `(() => { const bad = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	for (let n; n = walk.nextNode();) { const e = n.parentElement, size = parseFloat(getComputedStyle(e).fontSize);
		if (n.data.trim() && !e.closest('script,style,svg') && e.checkVisibility() && size < 12) bad.push(n.data.trim().slice(0, 30)+' '+size) }
	return bad.join('; ') })()`

// wide finds what sticks out of the screen.
const wide = `document.documentElement.scrollWidth <= innerWidth ? '' : [...document.querySelectorAll('body *')].filter(e => { const r = e.getBoundingClientRect(); return r.right > innerWidth+.5 || r.left < -.5 }).map(e => e.tagName+'.'+e.className).join(' ')+' '+document.documentElement.scrollWidth`

// judge checks the page that the person sees.
func judge(p *person, page string, l look) {
	t := p.t
	t.Helper()
	p.shoot(page + "-" + l.name)
	name := page + " (" + l.name + ")"
	direction, lang := "ltr", "en"
	if l.persian() {
		direction, lang = "rtl", "fa"
	}
	if got := read[string](p, "document.documentElement.lang+' '+getComputedStyle(document.querySelector('main')||document.body).direction"); got != lang+" "+direction {
		t.Errorf("%s: the page is %s, want %s %s", name, got, lang, direction)
	}
	if got := read[string](p, wide); got != "" {
		t.Errorf("%s: wider than the screen: %s", name, got)
	}
	if got := read[string](p, faint); got != "" {
		t.Errorf("%s: hard to read: %s", name, got)
	}
	if got := read[string](p, small); got != "" {
		t.Errorf("%s: too small to tap: %s", name, got)
	}
	if got := read[string](p, tiny); got != "" {
		t.Errorf("%s: too small to read: %s", name, got)
	}
	if persian := read[bool](p, `/[\u0600-\u06ff]/.test(document.title+document.body.innerText)`); !persian && l.persian() {
		t.Errorf("%s: no word of Persian", name)
	}
	p.noProblems(name)
}

// everyLook opens an address in all looks.
func everyLook(t *testing.T, p *person, page, address string, status int64) {
	t.Helper()
	for _, l := range looks {
		p.set(l.settings)
		p.open(address)
		p.see("main")
		if got := p.status(); got != status {
			t.Errorf("%s (%s): status %d, want %d", page, l.name, got, status)
		}
		judge(p, page, l)
	}
}
