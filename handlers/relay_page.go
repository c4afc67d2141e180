package handlers

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/rahgir/caddy-payments/handlers/relay"
	"github.com/rahgir/caddy-payments/payment"
)

// sendOn gives an answer that sends its customer to a relay's pay page the provider's own
// address instead. Several plugins make the page's address from the API's, which is ours.
//
// The invariant: no redirect to a pay page tells a customer the relay's path, which may be
// secret, nor leads to a relay that only this machine can reach. The address is the one
// that the relay itself would have answered with.
func (h *Handler) sendOn(status int, header http.Header) {
	if status < 300 || status > 399 || len(header["Location"]) != 1 {
		return
	}
	app, ok := h.app.(relay.App)
	if !ok {
		return
	}
	u, err := url.Parse(header["Location"][0])
	if err != nil || u.Scheme != "" && u.Scheme != "http" && u.Scheme != "https" {
		return
	}
	path := u.EscapedPath()
	for _, l := range h.Relay {
		below, ok := strings.CutPrefix(path, l.prefix+"/")
		if !ok || u.Host != "" && !h.place().hosts.takes(hostName(u.Host)) {
			continue
		}
		if to := pageBelow(app, below); to != "" {
			header["Location"] = []string{to}
		}
		return
	}
	if below, ok := strings.CutPrefix(path, "/"); ok && unreachable(u.Host) {
		if name, _, _ := strings.Cut(below, "/"); app.Relays(name) {
			if to := pageBelow(app, below); to != "" {
				header["Location"] = []string{to}
			}
		}
	}
}

// pageBelow returns the address of the pay page that is below a relay's path, as
// `<provider>/<the provider's own path>`, or "" for everything else.
func pageBelow(app relay.App, below string) string {
	name, rest, _ := strings.Cut(below, "/")
	rel, ok := app.Relayer(name)
	if !ok || rel.Dialect().Kind(http.MethodGet, "/"+rest) != payment.RelayPayPage {
		return ""
	}
	pages, ok := rel.(payment.PayPager)
	if !ok {
		return ""
	}
	a, err := rel.ReadCall(payment.RelayPayPage, payment.RelayCall{Method: http.MethodGet, Path: "/" + rest})
	if err != nil {
		return ""
	}
	return pages.PageOf(a.ID)
}

// unreachable: a host that browsers elsewhere can't reach: a loopback or private address, or a
// name without a dot, as containers have.
func unreachable(host string) bool {
	name := hostName(host)
	if a, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return a.IsLoopback() || a.IsPrivate()
	}
	return name != "" && !strings.Contains(name, ".")
}
