package relay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/engine/forwarded"
	"github.com/rahgir/caddy-payments/internal/inert"
	"github.com/rahgir/caddy-payments/payment"
)

// App is what a relay needs of the payments app.
type App interface {
	Engine(ctx context.Context) (*engine.Engine, error)
	// Relayer is a configured provider that can be relayed.
	Relayer(name string) (payment.Relayer, bool)
	ProviderNames() []string
	// Callback is our site to which a create's callback leads.
	Callback(ctx context.Context, u *url.URL, provider string) (Site, bool)
	// Serves notes which providers a relay without a site of its own serves, and Relays
	// tells whether any such relay serves one.
	Serves(names []string)
	Relays(name string) bool
	// Created notes a create through a relay without a site of its own, so that `doctor` sees
	// shops that share one. watched says that the site is ours, so that its returns are
	// compared with their creates.
	Created(provider, site string, callback *url.URL, watched bool)
	// Forwarded is where calls are marked that can't be remembered (`when_down forward`), and
	// Forwards notes that a relay lets such calls pass.
	Forwarded() *forwarded.Log
	Forwards()
	Observe(e engine.Event)
	Enter()
	Leave()
}

// Site is the shop that a call is for.
type Site struct {
	// ID names it in records.
	ID       string
	Formerly []string
	// Route is the route that takes its customers' returns, and Return the callback
	// as the worker needs it; empty if no route does.
	Route  string
	Return *payment.Return
	Policy engine.Policy
}

const maxBody = 64 << 10

// Server serves one relay.
type Server struct {
	App     App
	Options Options
	// Place is whether it stands in the provider's place, under its hosts.
	Place bool
	// Own is the site where the relay is in a site's block, and whether a callback leads to
	// it; nil where calls tell.
	Own func(r *http.Request, callback *url.URL, provider string) (site Site, leads bool)
	// Upstreams are the addresses of the site's own upstreams, host alone.
	Upstreams func() []string

	nets []netip.Prefix
	unix bool
	// toldDown is when the owner last heard that calls pass unrecorded.
	toldDown atomic.Int64
}

// Serve answers a call; path is what of its path is the relay's own, escaped and
// with its first slash.
func (s *Server) Serve(w http.ResponseWriter, r *http.Request, path string) error {
	s.App.Enter()
	defer s.App.Leave()
	// The path may be secret, and answers are about one payment.
	caddyhttp.SetVar(r.Context(), caddyhttp.LogSkipVar, true)
	w.Header().Set("Cache-Control", "no-store")
	whole := path
	name := ""
	if s.Place {
		name = s.Options.Providers[0]
	} else {
		name, path, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
		path = "/" + path
	}
	rel, ok := s.App.Relayer(name)
	if !ok || !slices.Contains(s.names(), name) {
		if s.admit(r) == nil {
			s.refused(r, name)
			s.App.Observe(engine.Event{Name: engine.EventRelayCall, Err: fmt.Errorf("%s names no provider of this relay, which has: %s", shown(r, whole), strings.Join(s.names(), ", ")), Alert: true})
		}
		return plain(w, http.StatusNotFound, "no provider of this relay has that name: the path is <the relay's path>/<provider>/<the provider's own path>")
	}
	c := engine.Relay{Provider: name, Asker: askerOf(r), Through: s.through(r, whole, name, rel), Call: payment.RelayCall{Method: r.Method, Path: path, Query: r.URL.RawQuery, Type: r.Header.Get("Content-Type")}}
	say := func(reply payment.RelayReply) error {
		tell(w, r, reply)
		return nil
	}
	word := func(word payment.RelayWord, event string, why error) error {
		s.App.Observe(engine.Event{Name: event, Provider: name, Err: why, Alert: true})
		return say(rel.WriteReply(word, c.Ask, nil))
	}
	kind := rel.Dialect().Kind(r.Method, path)
	if kind == payment.RelayPayPage {
		return s.payPage(w, r, rel, c.Call)
	}
	if err := s.admit(r); err != nil {
		return word(payment.RelayForbidden, engine.EventRelayStranger, err)
	}
	if kind == payment.RelayUnknown || r.URL.IsAbs() {
		s.refused(r, name)
		return word(payment.RelayNoSuchCall, engine.EventRelayCall, fmt.Errorf("%s %s is not in what we know of this provider's API, so it is not forwarded", r.Method, shown(r, whole)))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		// Cut short, or too large: nothing is forwarded of either.
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		s.App.Observe(engine.Event{Name: engine.EventRelayCall, Provider: name, Err: fmt.Errorf("%s has a body that can't be read, or is longer than %d bytes: %w", shown(r, whole), maxBody, err), Alert: true})
		return refuse(w, r, rel, c, status)
	}
	c.Call.Body = body
	if c.Call.Header, err = headersOf(r, rel.Dialect()); err != nil {
		s.App.Observe(engine.Event{Name: engine.EventRelayCall, Provider: name, Err: err, Alert: true})
		return refuse(w, r, rel, c, http.StatusBadRequest)
	}
	if s.Place {
		c.Call.Host = hostOf(r.Host)
	}
	owner, mine, err := s.owner(name, c.Call)
	switch {
	case err != nil:
		s.App.Observe(engine.Event{Name: engine.EventRelayCall, Provider: name, Err: err, Alert: true})
		return refuse(w, r, rel, c, http.StatusBadRequest)
	case owner == payment.RelayOtherEnvironment:
		s.refused(r, name)
		return word(payment.RelayForbidden, engine.EventRelayStranger, errEnvironment)
	case owner == payment.RelayStranger && !s.Place:
		s.refused(r, name)
		return word(payment.RelayForbidden, engine.EventRelayStranger, errStranger)
	case owner == payment.RelayStranger:
		// Another shop of this machine, in the provider's place: it is not ours.
		s.App.Observe(engine.Event{Name: engine.EventRelayStranger, Provider: name, Err: errStranger})
		return s.carry(w, r, c, func(e *engine.Engine, c engine.Relay) { e.RelayForward(r.Context(), c) })
	}
	c.Provider = mine
	rel, _ = s.App.Relayer(mine)
	if kind != payment.RelayHarmless {
		if c.Ask, err = rel.ReadCall(kind, c.Call); err != nil {
			s.App.Observe(engine.Event{Name: engine.EventRelayCall, Provider: mine, Err: err, Alert: true})
			return refuse(w, r, rel, c, http.StatusBadRequest)
		}
		kind = c.Ask.Kind // the body may say more than the path: NextPay refunds at verify's
	}
	c.Ask.Kind = kind
	s.locate(r, &c)
	return s.carry(w, r, c, func(e *engine.Engine, c engine.Relay) {
		switch kind {
		case payment.RelayCreate:
			e.RelayCreate(r.Context(), c)
		case payment.RelayVerify:
			e.RelayVerify(r.Context(), c)
		case payment.RelayInquire:
			e.RelayInquire(r.Context(), c)
		case payment.RelayGiveBack:
			e.RelayGiveBack(r.Context(), c)
		default:
			e.RelayForward(r.Context(), c)
		}
	})
}

// forwardWait is how long a call that may pass waits for a ledger that is being opened: plugins
// give up after five seconds.
const forwardWait = 2 * time.Second

// carry gives a call to the engine.
func (s *Server) carry(w http.ResponseWriter, r *http.Request, c engine.Relay, do func(*engine.Engine, engine.Relay)) error {
	rel, _ := s.App.Relayer(c.Provider)
	broke := false
	c.Say = func(reply payment.RelayReply) bool { return tell(w, r, reply) }
	c.Break = func() { broke = true }
	if s.Options.WhenDown == "forward" {
		defer s.App.Forwarded().Begin(c.Ask.Kind, c.Provider, c.Ask.ID)()
		c.Down = func(err error, made *payment.RelayReply) { s.pass(r.Context(), rel, c, err, made) }
	}
	ctx := r.Context()
	if c.Down != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, forwardWait)
		defer cancel()
	}
	e, err := s.App.Engine(ctx)
	switch {
	case err != nil && c.Down != nil:
		c.Down(err, nil)
	case err != nil:
		s.App.Observe(engine.Event{Name: engine.EventRelayDown, Provider: c.Provider, Site: c.Site, ID: c.Ask.ID, Order: c.Ask.Order, Err: err, Alert: true})
		if c.Ask.Kind == payment.RelayVerify {
			c.Break() // plugins ask again after that, and give up for good after a status
			break
		}
		tell(w, r, rel.WriteReply(payment.RelayDown, c.Ask, nil))
		return nil
	default:
		do(e, c)
	}
	switch {
	case broke && s.Options.Unknown == "504":
		return plain(w, http.StatusGatewayTimeout, "the provider has not answered yet")
	case broke:
		panic(http.ErrAbortHandler) // net/http's way to close a connection without an answer
	}
	return nil
}

// payPage sends a customer on whom a plugin sends to us, because it makes the pay
// page's address from the API's.
func (s *Server) payPage(w http.ResponseWriter, r *http.Request, rel payment.Relayer, c payment.RelayCall) error {
	pages, ok := rel.(payment.PayPager)
	if !ok {
		return plain(w, http.StatusNotFound, "not found")
	}
	a, err := rel.ReadCall(payment.RelayPayPage, c)
	if err != nil {
		return plain(w, http.StatusNotFound, "not found")
	}
	inert.Redirect(w, r, pages.PageOf(a.ID), http.StatusFound) // the gateway's own host; the id is escaped
	return nil
}

// refuse answers a call that can't be read, in the dialect's shape.
func refuse(w http.ResponseWriter, r *http.Request, rel payment.Relayer, c engine.Relay, status int) error {
	reply := rel.WriteReply(payment.RelayUnreadable, c.Ask, nil)
	reply.Status = status
	tell(w, r, reply)
	return nil
}

func plain(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
	return nil
}
