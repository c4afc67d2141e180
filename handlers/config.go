package handlers

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Match says which requests a route takes. Paths are Caddy's path patterns;
// `match` are matcher sets, for shops whose return is told by its query
// (`/?wc-api=…`). Both empty matches everything (track only).
type Match struct {
	// Path patterns as for Caddy's `path` matcher; any of them matches.
	Paths []string `json:"paths,omitempty"`

	// Matcher sets, instead of paths; any of them matches.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	filter   pathFilter
	matchers caddyhttp.MatcherSets
}

// Track captures an affiliate network's id from landing visits: top-level GET
// navigations only, never on a checkout or verify route.
type Track struct {
	Match

	// The query parameter. Default: track_id.
	Param string `json:"param,omitempty"`

	// Where the track is kept: `cookie` (signed, nothing on the server) or
	// `store` (the cookie holds a random visitor id). Default: cookie.
	Keep string `json:"keep,omitempty"`

	// How long a track counts. Default: 30 days.
	TTL caddy.Duration `json:"ttl,omitempty"`

	// The affiliate it belongs to. Default: the only one.
	Affiliate string `json:"affiliate,omitempty"`

	// Which of two visits counts: `last` or `first`. Default: last.
	Attribution string `json:"attribution,omitempty"`

	// What an id must look like, as a regular expression for the whole of it.
	// What does not fit is ignored and counted. Default: 8–128 of
	// `[A-Za-z0-9_-]`.
	Pattern string `json:"pattern,omitempty"`

	conf trackRoute
}

// Item is something to buy.
type Item struct {
	// The name in the URL: `<checkout path>/<sku>`.
	SKU string `json:"sku"`
	// The price in rials; in a Caddyfile `120000toman` and `1200000rial` are
	// understood.
	Amount int64 `json:"amount"`
	// What people read. Default: the sku.
	Title string `json:"title,omitempty"`
}

// Donation lets the buyer name the sum, in rials and within bounds.
type Donation struct {
	// The least in rials.
	Min int64 `json:"min"`
	// The most in rials.
	Max int64 `json:"max"`
}

// Checkout sells without a shop's backend: `GET <path>/<sku>` shows a small
// confirm page, `POST` starts the payment at the provider and answers 303 to
// the bank. The amount never comes from the browser, except inside the bounds
// of a donation.
type Checkout struct {
	// The path under which items are sold.
	Path string `json:"path"`
	// The provider's name.
	Provider string `json:"provider"`
	// What is sold.
	Items []Item `json:"items,omitempty"`
	// A sum of the buyer's choice, at `GET <path>`.
	Donate *Donation `json:"donate,omitempty"`
	// The path to come back to, which a `verify` route of the same provider
	// must take. Default: that route's first path.
	Return string `json:"return,omitempty"`

	conf checkoutRoute
}

// Expect says how order and amount are known of a return that no intent
// explains.
type Expect struct {
	// `intent` (only payments of our checkout or announced by the shop),
	// `lookup` (ask the shop), `signed` (the shop's signature on the return URL)
	// or `none` (only where the provider's answer names the order).
	Mode string `json:"mode,omitempty"`
	// For lookup: the address to ask, with `{order}` in its path or query.
	URL string `json:"url,omitempty"`
}

// Ack says what proves that the shop has credited.
type Ack struct {
	// `status`: a 2xx or 3xx that an upstream really answered, or a file
	// server's 2xx. `header`: the response header X-Payment-Ack with the
	// provider's id. `redirect`: a redirect to one of the patterns. `relay`: the
	// shop's own call to the provider, through the relay, heard that it is paid, and
	// the shop answered 2xx or 3xx. Default: status; in observe: relay.
	Mode string `json:"mode,omitempty"`
	// For redirect: patterns in which `*` stands for anything.
	Patterns []string `json:"patterns,omitempty"`
}

// Refused is one kind of answer by which the shop says no.
type Refused struct {
	// `redirect` (a 3xx whose Location fits a pattern), `status` (such as `409` or
	// `4xx`), `header` (`<name>:<pattern>`) or `preset` (`woocommerce`, `edd`,
	// `opencart`, `prestashop` or `whmcs`: their redirects).
	Mode string `json:"mode"`
	// In redirect and header `*` stands for anything.
	Patterns []string `json:"patterns"`
}

// Answer says what becomes of a return that is not delivered.
type Answer struct {
	// `page` (ours), `pass` (on to the shop, with X-Payment-Status) or
	// `redirect`.
	Mode string `json:"mode,omitempty"`
	// For redirect: a path of the site or an absolute address.
	To string `json:"to,omitempty"`
}

// Verify is the route of the customer's return: the provider is asked, and only
// then the shop's own handlers see the request, with trusted headers.
type Verify struct {
	Match

	// The provider's name.
	Provider string `json:"provider"`

	// `plugin` is short for `expect none` with `deliver idempotent`: the shop's
	// untouched plugin takes "already verified" for paid and compares the amount
	// itself. Default: none.
	Mode string `json:"mode,omitempty"`

	// How order and amount are known. Default: intents, else `none` for a
	// provider whose answer names the order and that only this site uses; for
	// others `expect` must be written unless a checkout of this site uses the
	// provider.
	Expect *Expect `json:"expect,omitempty"`

	// Where the return carries the order, as a placeholder such as
	// `{query.order}`; for `expect lookup`.
	Order string `json:"order,omitempty"`

	// Parameters of the shop's own that must equal the verified order.
	Bind []string `json:"bind,omitempty"`

	// `once` or `idempotent`: whether the shop dedupes on provider and id.
	// Default: once.
	Deliver string `json:"deliver,omitempty"`

	// What proves that the shop has credited. Default: status.
	Ack *Ack `json:"ack,omitempty"`

	// Answers by which the shop says that it does not take a payment: any of them
	// goes before the acknowledgement. The payment is parked with an alert, handed
	// over no more, and not reported.
	Refused []Refused `json:"refused,omitempty"`

	// Whether an order may be paid more than once: `once` or `many`. Default:
	// once.
	Orders string `json:"orders,omitempty"`

	// What a declined payment leads to. Default: page.
	Declined *Answer `json:"declined,omitempty"`

	// What a return of a delivered payment leads to. Default: the first
	// delivery's redirect for the same browser, else a page.
	Duplicate *Answer `json:"duplicate,omitempty"`

	// What becomes of a verified payment whose customer has gone: `deliver` or
	// `park`. Default: deliver where the site is idempotent, has an `ack header`
	// or `ack redirect`, or the payment is of our checkout; else park.
	Absent string `json:"absent,omitempty"`

	// How a POST return gets the shop's cookies back: `auto`, `redirect` (303 to
	// a GET), `resubmit` (a same-site form) or `off`. Default: auto.
	Bounce string `json:"bounce,omitempty"`

	// How long the browser waits before it gets the "being confirmed" page,
	// while the work goes on. Default: 8s.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	route verifyRoute
}

// Require guards paid content.
type Require struct {
	Match

	// The items of which one must have been bought.
	Items []string `json:"items,omitempty"`

	// Where to send who has not paid.
	Checkout string `json:"checkout,omitempty"`

	// On how many devices in 30 days one purchase may be opened. Default: 5.
	Devices int `json:"devices,omitempty"`

	guarded resource
}

// SigningKey is a secret that the shop shares with us.
type SigningKey struct {
	// The secret, at least 32 bytes, written as `{env.NAME}` or
	// `{file./path}`.
	Secret string `json:"secret"`
	// Its name in receipts. Default: the first 8 hex digits of the secret's
	// SHA-256.
	KID string `json:"kid,omitempty"`
}

// String hides the secret.
func (SigningKey) String() string { return "REDACTED" }
