package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
)

func init() {
	caddy.RegisterModule(new(API))
}

// prefix is where the routes live on the admin endpoint.
const prefix = "/payments/"

// API serves the payments routes of the admin endpoint:
//
// Route | What
// ------|-----
// `GET /payments/` | counts, what waits longest, paused affiliates, the store
// `GET /payments/list` | `?search=&from=&to=&state=&site=&provider=&order=&id=&conversion=&webhook=&owed=&cursor=&limit=`; others are refused
// `GET /payments/stats` | counts, sums and success rates, today, 30 days and by dates; the filters of `list`
// `GET /payments/show/<ref>` | one payment with explanation and history
// `POST /payments/verify/<ref>` | ask the provider now
// `POST /payments/resend/<ref>` | `{"what":"delivery"\|"conversion"}`
// `POST /payments/resolve/<ref>` | `{"decision":"accept"\|"reject"\|"credited"\|"redeliver"\|"repaid","by":"","note":"","version":0}`
// `POST /payments/intents` | `{"site":"","provider":"","id":"","order":"","amount":0,"return":""}`: announces a payment
// `GET /payments/webhooks` | messages to webhooks and notifiers; `?state=parked\|open\|sent\|all`
// `POST /payments/tell/<ref>` | `{"to":"","event":"","by":""}`: send them again
// `POST /payments/import-ids?provider=` | ids used before this ledger, one a line
// `POST /payments/reconcile` | `{"provider":"","from":"","to":"","list":[]}`: compares with the provider's list, or the one given; changes nothing
// `POST /payments/erase` | `{"refs":[],"before":"","by":"","note":""}`: finished payments forget their payers
// `POST /payments/backup` | the whole ledger with its secrets, as an archive, while it is in use
// `GET /payments/export` | everything, as JSON lines
// `GET /payments/doctor` | what is wrong with the configuration
// `GET /payments/openapi.json` | all of this as an OpenAPI 3.1 document
//
// `?lang=fa` or `?lang=en` (default) chooses the language of explanations;
// `?dry_run=1` on a POST says what would happen and does nothing.
type API struct {
	// find replaces the running configuration's app in tests.
	find func() (any, error)
}

// CaddyModule returns the Caddy module information.
func (*API) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "admin.api.payments", New: func() caddy.Module { return new(API) }}
}

// Routes implements caddy.AdminRouter.
func (a *API) Routes() []caddy.AdminRoute {
	return []caddy.AdminRoute{{Pattern: prefix, Handler: caddy.AdminHandlerFunc(a.serve)}}
}

// app finds the payments app of the configuration that runs now: a router
// outlives its own configuration, and a failed reload leaves the failed one's
// router in place.
func (a *API) app() (operate.App, error) {
	find := a.find
	if find == nil {
		find = active
	}
	mod, err := find()
	switch {
	case errors.Is(err, errStarting):
		return nil, status(http.StatusServiceUnavailable, err)
	case errors.Is(err, caddy.ErrNotConfigured):
		return nil, status(http.StatusNotFound, errors.New("the running configuration has no payments app"))
	case err != nil:
		// Caddy's own text may quote the configuration.
		return nil, status(http.StatusServiceUnavailable, errors.New("the payments app did not start"))
	}
	app, ok := mod.(operate.App)
	if !ok {
		return nil, status(http.StatusInternalServerError, fmt.Errorf("the payments app is a %T", mod))
	}
	return app, nil
}

// errStarting: this endpoint and the sites answer a moment before Caddy counts a configuration as
// the running one.
var errStarting = errors.New("Caddy is still starting: try again in a second")

// active finds the app.
func active() (any, error) {
	ctx := caddy.ActiveContext()
	if ctx.Context == nil {
		return nil, errStarting
	}
	return ctx.AppIfConfigured("payments")
}

// call is one request with what every route needs.
type call struct {
	w      http.ResponseWriter
	r      *http.Request
	app    operate.App
	ref    string
	lang   lang.Lang
	dryRun bool
}

type route struct {
	method string
	ref    bool
	serve  func(*call) error
}

var routes map[string]route

func init() {
	routes = map[string]route{
		"":             {http.MethodGet, false, (*call).summary},
		"list":         {http.MethodGet, false, (*call).list},
		"show":         {http.MethodGet, true, (*call).show},
		"verify":       {http.MethodPost, true, (*call).verify},
		"resend":       {http.MethodPost, true, (*call).resend},
		"resolve":      {http.MethodPost, true, (*call).resolve},
		"intents":      {http.MethodPost, false, (*call).intents},
		"refund":       {http.MethodPost, true, (*call).refund},
		"reverse":      {http.MethodPost, true, (*call).reverse},
		"webhooks":     {http.MethodGet, false, (*call).webhooks},
		"tell":         {http.MethodPost, true, (*call).tell},
		"import-ids":   {http.MethodPost, false, (*call).importIDs},
		"export":       {http.MethodGet, false, (*call).export},
		"doctor":       {http.MethodGet, false, (*call).doctor},
		"stats":        {http.MethodGet, false, (*call).stats},
		"backup":       {http.MethodPost, false, (*call).backup},
		"erase":        {http.MethodPost, false, (*call).erase},
		"reconcile":    {http.MethodPost, false, (*call).reconcile},
		"openapi.json": {http.MethodGet, false, (*call).openapi},
	}
}

func (a *API) serve(w http.ResponseWriter, r *http.Request) error {
	name, ref, hasRef := strings.Cut(strings.TrimPrefix(r.URL.Path, prefix), "/")
	rt, ok := routes[name]
	if !ok || hasRef != rt.ref || rt.ref && ref == "" {
		return status(http.StatusNotFound, errors.New("no such route; see /payments/"))
	}
	if r.Method != rt.method {
		w.Header().Set("Allow", rt.method)
		return status(http.StatusMethodNotAllowed, fmt.Errorf("use %s", rt.method))
	}
	c := &call{w: w, r: r, ref: ref, lang: lang.EN}
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return status(http.StatusBadRequest, errors.New("the query can't be read"))
	}
	if err := operate.KnownQuery(name, q); err != nil {
		return apiError(err)
	}
	if s := q.Get("lang"); s != "" {
		if c.lang, ok = lang.Parse(s); !ok {
			return status(http.StatusBadRequest, errors.New("lang is fa or en"))
		}
	}
	switch q.Get("dry_run") {
	case "", "0", "false":
	case "1", "true":
		c.dryRun = true
	default:
		return status(http.StatusBadRequest, errors.New("dry_run is 1 or 0"))
	}
	// A body that says that it is too large is refused unread.
	most := bodyMost(name)
	if r.ContentLength > most {
		return tooLarge(most)
	}
	r.Body = http.MaxBytesReader(w, r.Body, most)
	app, err := a.app()
	if err != nil {
		return err
	}
	defer operate.Use(app)()
	c.app = app
	return apiError(rt.serve(c))
}

// bodyMost is how large the body of a request to a route may be.
func bodyMost(route string) int64 {
	switch route {
	case "import-ids":
		return maxImport
	case "reconcile":
		return maxTable
	}
	return maxBody
}

func (c *call) engine() (*engine.Engine, error) {
	e, err := c.app.Engine(c.r.Context())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", operate.ErrUnavailable, err)
	}
	return e, nil
}

// answered answers with what an operation on the ledger returns.
func answered[T any](c *call, do func(context.Context, *engine.Engine) (T, error)) error {
	e, err := c.engine()
	if err != nil {
		return err
	}
	out, err := do(c.r.Context(), e)
	if err != nil {
		return err
	}
	return c.answer(out)
}

// changed answers with what a decision did, and its payment as it is afterwards.
func (c *call) changed(do func(context.Context, *engine.Engine) (operate.Outcome, error)) error {
	return answered(c, func(ctx context.Context, e *engine.Engine) (Changed, error) {
		out, err := do(ctx, e)
		if err != nil {
			return Changed{}, err
		}
		return Changed{Done: out.Done, Would: out.Would, Warn: out.Warn, Payment: operate.NewView(ctx, e, out.Record, c.lang)}, nil
	})
}

// issuer returns the account of a configured provider.
func (c *call) issuer(provider string) (string, error) {
	issuer, ok := c.app.ProviderIssuer(provider)
	if !ok {
		return "", badInput("provider %.40q is not configured; there are: %s", provider, strings.Join(c.app.ProviderNames(), ", "))
	}
	return issuer, nil
}

// head sets an answer's headers. No cache may keep payments.
func (c *call) head(kind string) {
	c.w.Header().Set("Content-Type", kind)
	c.w.Header().Set("Cache-Control", "no-store")
}

// answer writes JSON.
func (c *call) answer(v any) error { return c.answerAs(http.StatusOK, v) }

func (c *call) answerAs(code int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encoding the answer: %w", err)
	}
	c.head("application/json")
	c.w.WriteHeader(code)
	_, _ = c.w.Write(append(b, '\n'))
	return nil
}

func status(code int, err error) error { return caddy.APIError{HTTPStatus: code, Err: err} }

func apiError(err error) error {
	var done caddy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &done):
		return err
	case errors.Is(err, operate.ErrUnknown):
		return status(http.StatusNotFound, err)
	case errors.Is(err, operate.ErrInput):
		return status(http.StatusBadRequest, err)
	case errors.Is(err, operate.ErrNotPossible), errors.Is(err, operate.ErrChanged):
		return status(http.StatusConflict, err)
	case errors.Is(err, operate.ErrUnavailable):
		return status(http.StatusServiceUnavailable, err)
	}
	return status(http.StatusInternalServerError, err)
}

// Interface guards.
var _ caddy.AdminRouter = (*API)(nil)
