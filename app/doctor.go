package app

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/loopback"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/doctor"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
)

// ProviderIssuer implements operate.App.
func (a *App) ProviderIssuer(name string) (string, bool) {
	p, ok := a.providers[name]
	if !ok {
		return "", false
	}
	return p.Traits().Issuer, true
}

// Doctor implements operate.App: it looks at the running configuration and
// changes nothing.
func (a *App) Doctor(ctx context.Context, l lang.Lang) []operate.Finding {
	out := append(a.Money(ctx, l), a.doctorStore(ctx, l)...)
	out = append(out, a.doctorSites()...)
	for _, name := range a.ProviderNames() {
		out = append(out, a.doctorProvider(name, l)...)
	}
	if len(a.providers) == 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "provider", Text: lang.Text{"no provider is configured", "هیچ درگاهی در پیکربندی نیست"}.In(l)})
	}
	out = append(out, a.doctorRelays(ctx)...)
	out = append(out, a.doctorAffiliates(l)...)
	out = append(out, a.doctorGone(l)...)
	return append(out, a.doctorKeys(l)...)
}

// Money implements operate.App: what costs money now, or soon will. It counts what waits
// first, so that it is not older than the question.
//
// Invariant: whatever keeps payments from being taken, paid or handed over is in here, so
// that doctor, status and the dashboard's first page say it alike.
func (a *App) Money(ctx context.Context, l lang.Lang) []operate.Finding {
	ctx, cancel := context.WithTimeout(ctx, recountMost)
	defer cancel()
	f := doctor.Facts{Watch: processWatch, Now: time.Now(), Lang: l, Providers: a.ProviderNames(), Sandbox: make(map[string]bool)}
	for name, p := range a.providers {
		f.Sandbox[name] = p.Traits().Environment == payment.Sandbox
	}
	eng, err := a.Engine(ctx)
	if err != nil {
		f.Closed = err
	} else {
		f.KeptBack, f.Watching = eng.KeptBack, eng.Watching
		processWatch.Look(ctx, eng.Store, nil)
		a.tellLedger()
		_ = processWatch.Recount(ctx, eng.Store) // what is known of before is better than nothing
	}
	return doctor.Money(f)
}

// recountMost is how long a person waits for a fresh count.
const recountMost = 5 * time.Second

// doctorProvider says how a provider is configured.
func (a *App) doctorProvider(name string, l lang.Lang) []operate.Finding {
	p := a.providers[name]
	var out []operate.Finding
	sandbox := p.Traits().Environment == "sandbox"
	if e, ok := p.Provider.(payment.Relocated); ok && e.Elsewhere() != "" {
		text := lang.Text{"base_url is %s, not the provider's own address", "نشانیِ base_url این است: %s، نه نشانی خود درگاه"}
		if !sandbox {
			text = lang.Text{text[0] + ": what is paid there counts as live", text[1] + "؛ آنچه آن‌جا پرداخت شود واقعی به شمار می‌آید"}
		}
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "base_url", Where: name, Text: fmt.Sprintf(text.In(l), e.Elsewhere())})
	}
	switch {
	case sandbox:
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "sandbox", Where: name,
			Text: lang.Text{"this provider is in its sandbox: nobody really pays", "این درگاه آزمایشی است: کسی پول واقعی نمی‌دهد"}.In(l)})
	case len(out) == 0 && processWatch.Provider(name).Up():
		out = append(out, operate.Finding{Level: operate.LevelOK, Code: "provider", Where: name, Text: a.lastHeard(name, l)})
	}
	return out
}

// lastHeard says when a provider answered last; of one that was not asked since the
// start nothing is claimed but that it is no sandbox.
func (a *App) lastHeard(name string, l lang.Lang) string {
	last := processWatch.Provider(name).Answered()
	if last.IsZero() {
		return lang.Text{"live; not asked since the start", "واقعی؛ از زمان آغاز چیزی از آن پرسیده نشده"}.In(l)
	}
	return fmt.Sprintf(lang.Text{"live; it answered last %s ago", "واقعی؛ آخرین بار %s پیش پاسخ داد"}.In(l), lang.Age(time.Since(last), l))
}

// doctorAffiliates names what keeps sales from being reported.
func (a *App) doctorAffiliates(l lang.Lang) []operate.Finding {
	if len(a.affiliates) == 0 {
		return nil
	}
	var out []operate.Finding
	tracks, reports := a.sites.Reporting()
	for _, site := range tracks {
		if !slices.Contains(reports, site) {
			out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "unreported", Where: site,
				Text: lang.Text{"this site takes affiliates' ids by `track`, but has no `verify`, `observe` or `relay` that tells of payments, so no sale of it is ever reported",
					"این سایت با `track` شناسهٔ همکاران فروش را می‌گیرد، ولی `verify`، `observe` یا `relay` ندارد که از پرداخت‌ها خبر دهد؛ پس هیچ فروشی گزارش نمی‌شود"}.In(l)})
		}
	}
	if len(tracks) == 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "unreported",
			Text: lang.Text{"an affiliate is configured, but no site has `track`: no visit is noted and no sale is reported",
				"شبکهٔ همکاری فروش در پیکربندی هست ولی هیچ سایتی `track` ندارد: نه بازدیدی ثبت می‌شود و نه فروشی گزارش"}.In(l)})
	}
	for _, name := range slices.Sorted(maps.Keys(a.affiliates)) {
		if e, ok := a.affiliates[name].(payment.Relocated); ok && e.Elsewhere() != "" {
			out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "base_url", Where: name,
				Text: fmt.Sprintf(lang.Text{"base_url is %s, not the network's own address", "نشانیِ base_url این است: %s، نه نشانی خود شبکه"}.In(l), e.Elsewhere())})
		}
	}
	return out
}

// doctorGone names the keys that have signed and can't be verified with any more.
func (a *App) doctorGone(l lang.Lang) []operate.Finding {
	a.opened.Lock()
	s := a.opened.signers
	a.opened.Unlock()
	if s == nil {
		return nil
	}
	var out []operate.Finding
	for _, key := range s.gone(a.written(), time.Now()) {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "signing_key_gone", Where: key,
			Text: lang.Text{"this signing_key has signed and is written no more: the buyers' cookies, links and return addresses that it made count no more; write it as a second line, unless somebody else knows it",
				"این signing_key امضا کرده و دیگر نوشته نیست: کوکی‌ها و پیوندها و نشانی‌های بازگشتِ خریداران که با آن ساخته شده دیگر به حساب نمی‌آید؛ آن را در خط دوم بنویسید، مگر آن‌که دیگری آن را بداند"}.In(l)})
	}
	return out
}

// doctorKeys names who uses the store's own key. A site's key is as good to its
// shop as the app's.
func (a *App) doctorKeys(l lang.Lang) []operate.Finding {
	if a.HasKeys() {
		return nil
	}
	sites, others := a.sites.Keyless()
	if !others {
		return []operate.Finding{{Level: operate.LevelOK, Code: "signing_key",
			Text: lang.Text{"no signing_key is written: the store's own is used, which a shop cannot know; write one before a shop checks receipts",
				"signing_key نوشته نشده: کلید خود دفتر به کار می‌رود که فروشگاه نمی‌داند؛ پیش از آن‌که فروشگاهی رسید را بررسی کند یکی بنویسید"}.In(l)}}
	}
	var out []operate.Finding
	for _, site := range sites {
		out = append(out, operate.Finding{Level: operate.LevelOK, Code: "signing_key", Where: site,
			Text: lang.Text{"this site has no signing_key, and the global options have none: the store's own is used, which a shop cannot know; write one before this shop checks receipts",
				"نه این سایت signing_key دارد و نه تنظیمات سراسری: کلید خود دفتر به کار می‌رود که فروشگاه نمی‌داند؛ پیش از آن‌که این فروشگاه رسید را بررسی کند یکی بنویسید"}.In(l)})
	}
	return out
}

// doctorStore says what is behind and around a ledger that is open; whether it is, and has
// room, is among what costs money.
func (a *App) doctorStore(ctx context.Context, l lang.Lang) []operate.Finding {
	eng, err := a.Engine(ctx)
	if err != nil {
		return nil
	}
	out := remarks(eng.Store)
	gen, err := eng.Store.Generation(ctx)
	if err == nil && gen.Seq > 1 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "generation",
			Text: fmt.Sprintf(lang.Text{"the ledger was lost, restored or moved (%s times, last at %s): payments from before go to review",
				"دفتر گم، بازیابی یا جابه‌جا شده است (%s بار، آخرین بار %s): پرداخت‌های پیش از آن به بررسی می‌رود"}.In(l), lang.Digits(fmt.Sprint(gen.Seq-1), l), lang.When(gen.Start, l))})
	}
	if skew := time.Since(eng.Store.Now()); skew > time.Minute || skew < -time.Minute {
		out = append(out, operate.Finding{Level: operate.LevelError, Code: "clock",
			Text: fmt.Sprintf(lang.Text{"the store's clock and this machine's differ by %s", "ساعت دفتر و ساعت این دستگاه %s اختلاف دارد"}.In(l), lang.Age(skew.Abs(), l))})
	}
	for _, name := range eng.Paused() {
		out = append(out, operate.Finding{Level: operate.LevelError, Code: "affiliate", Where: name,
			Text: lang.Text{"it refused our token, or the configuration no longer has it: nothing is reported until the configuration changes",
				"توکن ما را نپذیرفت، یا دیگر در پیکربندی نیست: تا پیکربندی عوض نشود چیزی گزارش نمی‌شود"}.In(l)})
	}
	return out
}

// remarks returns what the store has to say itself.
func remarks(s payment.Store) []operate.Finding {
	r, ok := s.(storage.Remarker)
	if !ok {
		return nil
	}
	var out []operate.Finding
	for _, m := range r.Remarks() {
		level := operate.LevelOK
		if m.Bad {
			level = operate.LevelError
		}
		out = append(out, operate.Finding{Level: level, Code: m.Code, Text: m.Text})
	}
	return out
}

func (a *App) doctorSites() []operate.Finding {
	var out []operate.Finding
	if httpApp, err := a.ctx.AppIfConfigured("http"); err == nil {
		if app, ok := httpApp.(*caddyhttp.App); ok {
			for _, f := range a.sites.Inspect(app) {
				level := operate.LevelWarn
				if f.Grave {
					level = operate.LevelError
				}
				out = append(out, operate.Finding{Level: level, Code: f.Code, Text: f.Text, Where: f.Where})
			}
		}
	}
	origins, patterns := a.sites.Origins()
	for _, p := range patterns {
		out = append(out, operate.Finding{Level: operate.LevelOK, Code: "origin", Where: p,
			Text: "each name that browsers ask for is a shop of its own, with orders, cookies and receipts of its own"})
	}
	for _, origin := range origins {
		u, err := url.Parse(origin)
		switch {
		case err != nil:
			continue
		case u.Scheme != "https" && !loopback.Is(u.Hostname()):
			out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "origin", Where: origin,
				Text: "return addresses are http: cards' banks may refuse them, and cookies travel in the clear; write public_url if https ends in front of this Caddy"})
		default:
			out = append(out, operate.Finding{Level: operate.LevelOK, Code: "origin", Where: origin, Text: "return addresses use this origin"})
		}
	}
	return out
}

// Interface guard.
var _ operate.App = (*App)(nil)
