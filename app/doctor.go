package app

import (
	"context"
	"errors"
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
func (a *App) Doctor(ctx context.Context) []operate.Finding {
	out := append(a.Money(ctx, lang.EN), a.doctorStore(ctx)...)
	out = append(out, a.doctorSites()...)
	for _, name := range a.ProviderNames() {
		out = append(out, a.doctorProvider(name)...)
	}
	if len(a.providers) == 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "provider", Text: "no provider is configured"})
	}
	out = append(out, a.doctorRelays(ctx)...)
	out = append(out, a.doctorAffiliates()...)
	return append(out, a.doctorKeys()...)
}

// Money implements operate.App: what costs money now, or soon will. It counts what waits
// first, so that it is not older than the question.
func (a *App) Money(ctx context.Context, l lang.Lang) []operate.Finding {
	ctx, cancel := context.WithTimeout(ctx, recountMost)
	defer cancel()
	f := doctor.Facts{Watch: processWatch, Now: time.Now(), Lang: l, Providers: a.ProviderNames(), Sandbox: make(map[string]bool)}
	for name, p := range a.providers {
		f.Sandbox[name] = p.Traits().Environment == payment.Sandbox
	}
	if eng, err := a.Engine(ctx); err == nil {
		f.KeptBack = eng.KeptBack
		processWatch.Look(ctx, eng.Store, nil)
		a.tellLedger()
		_ = processWatch.Recount(ctx, eng.Store) // what is known of before is better than nothing
	}
	return doctor.Money(f)
}

// recountMost is how long a person waits for a fresh count.
const recountMost = 5 * time.Second

// doctorProvider says how a provider is configured.
func (a *App) doctorProvider(name string) []operate.Finding {
	p := a.providers[name]
	var out []operate.Finding
	sandbox := p.Traits().Environment == "sandbox"
	if e, ok := p.Provider.(payment.Relocated); ok && e.Elsewhere() != "" {
		text := "base_url is " + e.Elsewhere() + ", not the provider's own address"
		if !sandbox {
			text += ": what is paid there counts as live"
		}
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "base_url", Where: name, Text: text})
	}
	switch {
	case sandbox:
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "sandbox", Where: name,
			Text: "this provider is in its sandbox: nobody really pays"})
	case len(out) == 0 && processWatch.Provider(name).Up():
		out = append(out, operate.Finding{Level: operate.LevelOK, Code: "provider", Where: name, Text: a.lastHeard(name)})
	}
	return out
}

// lastHeard says when a provider answered last; of one that was not asked since the
// start nothing is claimed but that it is no sandbox.
func (a *App) lastHeard(name string) string {
	p := processWatch.Provider(name)
	last := p.Asked.OK
	if p.Created.OK.After(last) {
		last = p.Created.OK
	}
	if last.IsZero() {
		return "live; not asked since the start"
	}
	return "live; it answered last " + lang.Age(time.Since(last), lang.EN) + " ago"
}

// doctorAffiliates names what keeps sales from being reported.
func (a *App) doctorAffiliates() []operate.Finding {
	if len(a.affiliates) == 0 {
		return nil
	}
	var out []operate.Finding
	tracks, reports := a.sites.Reporting()
	for _, site := range tracks {
		if !slices.Contains(reports, site) {
			out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "unreported", Where: site,
				Text: "this site takes affiliates' ids by `track`, but has no `verify`, `observe` or `relay` that tells of payments, so no sale of it is ever reported"})
		}
	}
	if len(tracks) == 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "unreported",
			Text: "an affiliate is configured, but no site has `track`: no visit is noted and no sale is reported"})
	}
	for _, name := range slices.Sorted(maps.Keys(a.affiliates)) {
		if e, ok := a.affiliates[name].(payment.Relocated); ok && e.Elsewhere() != "" {
			out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "base_url", Where: name,
				Text: "base_url is " + e.Elsewhere() + ", not the network's own address"})
		}
	}
	return out
}

// doctorKeys names who uses the store's own key. A site's key is as good to its
// shop as the app's.
func (a *App) doctorKeys() []operate.Finding {
	if a.HasKeys() {
		return nil
	}
	sites, others := a.sites.Keyless()
	if !others {
		return []operate.Finding{{Level: operate.LevelOK, Code: "signing_key",
			Text: "no signing_key is written: the store's own is used, which a shop cannot know; write one before a shop checks receipts"}}
	}
	var out []operate.Finding
	for _, site := range sites {
		out = append(out, operate.Finding{Level: operate.LevelOK, Code: "signing_key", Where: site,
			Text: "this site has no signing_key, and the global options have none: the store's own is used, which a shop cannot know; write one before this shop checks receipts"})
	}
	return out
}

func (a *App) doctorStore(ctx context.Context) []operate.Finding {
	eng, err := a.Engine(ctx)
	if err != nil {
		text := "the store is not open"
		if errors.Is(err, payment.ErrFull) {
			text = "the store is not open, and payments get 503: " + err.Error() + "; it opens by itself when there is room"
		}
		return []operate.Finding{{Level: operate.LevelError, Code: "store", Text: text}}
	}
	out := remarks(eng.Store)
	if err := eng.Store.Ready(); err != nil {
		return append(out, operate.Finding{Level: operate.LevelError, Code: "store", Text: "the store takes no new payments: " + err.Error()})
	}
	out = append(out, operate.Finding{Level: operate.LevelOK, Code: "store", Text: "the store is open and has room"})
	gen, err := eng.Store.Generation(ctx)
	if err == nil && gen.Seq > 1 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "generation",
			Text: fmt.Sprintf("the ledger was lost, restored or moved %d times, last at %s; payments from before go to review", gen.Seq-1, gen.Start.Format(time.RFC3339))})
	}
	if skew := time.Since(eng.Store.Now()); skew > time.Minute || skew < -time.Minute {
		out = append(out, operate.Finding{Level: operate.LevelError, Code: "clock",
			Text: fmt.Sprintf("the store's clock and this machine's differ by %s", skew.Round(time.Second))})
	}
	for _, name := range eng.Paused() {
		out = append(out, operate.Finding{Level: operate.LevelError, Code: "affiliate", Where: name,
			Text: "it refused our token, or the configuration no longer has it: nothing is reported until the configuration changes"})
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
				out = append(out, operate.Finding{Level: operate.LevelWarn, Code: f.Code, Text: f.Text, Where: f.Where})
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
