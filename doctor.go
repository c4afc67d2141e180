package payments

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/admin"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
)

// ProviderIssuer implements admin.App.
func (a *App) ProviderIssuer(name string) (string, bool) {
	p, ok := a.providers[name]
	if !ok {
		return "", false
	}
	return p.Traits().Issuer, true
}

// Doctor implements admin.App: it looks at the running configuration and
// changes nothing.
func (a *App) Doctor(ctx context.Context) []admin.Finding {
	out := a.doctorStore(ctx)
	out = append(out, a.doctorSites()...)
	for _, name := range a.ProviderNames() {
		p := a.providers[name]
		if p.Traits().Environment == "sandbox" {
			out = append(out, admin.Finding{Level: admin.LevelWarn, Code: "sandbox", Where: name,
				Text: "this provider is in its sandbox: nobody really pays"})
		} else {
			out = append(out, admin.Finding{Level: admin.LevelOK, Code: "provider", Where: name, Text: "live"})
		}
	}
	if len(a.providers) == 0 {
		out = append(out, admin.Finding{Level: admin.LevelWarn, Code: "provider", Text: "no provider is configured"})
	}
	return append(out, a.doctorKeys()...)
}

// doctorKeys names who uses the store's own key. A site's key is as good to its
// shop as the app's.
func (a *App) doctorKeys() []admin.Finding {
	if a.HasKeys() {
		return nil
	}
	sites, others := a.sites.Keyless()
	if !others {
		return []admin.Finding{{Level: admin.LevelOK, Code: "signing_key",
			Text: "no signing_key is written: the store's own is used, which a shop cannot know; write one before a shop checks receipts"}}
	}
	var out []admin.Finding
	for _, site := range sites {
		out = append(out, admin.Finding{Level: admin.LevelOK, Code: "signing_key", Where: site,
			Text: "this site has no signing_key, and the global options have none: the store's own is used, which a shop cannot know; write one before this shop checks receipts"})
	}
	return out
}

func (a *App) doctorStore(ctx context.Context) []admin.Finding {
	eng, err := a.Engine(ctx)
	if err != nil {
		text := "the store is not open"
		if errors.Is(err, payment.ErrFull) {
			text = "the store is not open, and payments get 503: " + err.Error() + "; it opens by itself when there is room"
		}
		return []admin.Finding{{Level: admin.LevelError, Code: "store", Text: text}}
	}
	out := remarks(eng.Store)
	if err := eng.Store.Ready(); err != nil {
		return append(out, admin.Finding{Level: admin.LevelError, Code: "store", Text: "the store takes no new payments: " + err.Error()})
	}
	out = append(out, admin.Finding{Level: admin.LevelOK, Code: "store", Text: "the store is open and has room"})
	gen, err := eng.Store.Generation(ctx)
	if err == nil && gen.Seq > 1 {
		out = append(out, admin.Finding{Level: admin.LevelWarn, Code: "generation",
			Text: fmt.Sprintf("the ledger was lost, restored or moved %d times, last at %s; payments from before go to review", gen.Seq-1, gen.Start.Format(time.RFC3339))})
	}
	if skew := time.Since(eng.Store.Now()); skew > time.Minute || skew < -time.Minute {
		out = append(out, admin.Finding{Level: admin.LevelError, Code: "clock",
			Text: fmt.Sprintf("the store's clock and this machine's differ by %s", skew.Round(time.Second))})
	}
	for _, name := range eng.Paused() {
		out = append(out, admin.Finding{Level: admin.LevelError, Code: "affiliate", Where: name,
			Text: "it refused our token, or the configuration has it no more: nothing is reported until the configuration changes"})
	}
	return out
}

// remarks are what the store has to say itself.
func remarks(s payment.Store) []admin.Finding {
	r, ok := s.(storage.Remarker)
	if !ok {
		return nil
	}
	var out []admin.Finding
	for _, m := range r.Remarks() {
		level := admin.LevelOK
		if m.Bad {
			level = admin.LevelError
		}
		out = append(out, admin.Finding{Level: level, Code: m.Code, Text: m.Text})
	}
	return out
}

func (a *App) doctorSites() []admin.Finding {
	var out []admin.Finding
	if httpApp, err := a.ctx.AppIfConfigured("http"); err == nil {
		if app, ok := httpApp.(*caddyhttp.App); ok {
			for _, f := range a.sites.Inspect(app) {
				out = append(out, admin.Finding{Level: admin.LevelWarn, Code: f.Code, Text: f.Text, Where: f.Where})
			}
		}
	}
	origins, patterns := a.sites.Origins()
	for _, p := range patterns {
		out = append(out, admin.Finding{Level: admin.LevelOK, Code: "origin", Where: p,
			Text: "each name that browsers ask for is a shop of its own, with orders, cookies and receipts of its own"})
	}
	for _, origin := range origins {
		u, err := url.Parse(origin)
		switch {
		case err != nil:
			continue
		case u.Scheme != "https" && !local(u.Hostname()):
			out = append(out, admin.Finding{Level: admin.LevelWarn, Code: "origin", Where: origin,
				Text: "return addresses are http: cards' banks may refuse them, and cookies travel in the clear; write public_url if https ends in front of this Caddy"})
		default:
			out = append(out, admin.Finding{Level: admin.LevelOK, Code: "origin", Where: origin, Text: "return addresses begin so"})
		}
	}
	return out
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// Interface guard.
var _ admin.App = (*App)(nil)
