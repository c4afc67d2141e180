package handlers

import (
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Match selects the requests of a route: by Caddy's path patterns, or by matcher sets
// where only the query shows that a request is a return (`/?wc-api=…`). An empty one
// matches everything; only `track` may have that.
type Match struct {
	// Path patterns as in Caddy's `path` matcher. One of them must match.
	Paths []string `json:"paths,omitempty"`

	// Matcher sets, in place of paths. One of them must match.
	MatchRaw caddyhttp.RawMatcherSets `json:"match,omitempty" caddy:"namespace=http.matchers"`

	filter   pathFilter
	matchers caddyhttp.MatcherSets
}

// Track captures an affiliate network's id when a visitor lands on the site. It looks
// only at top-level GET navigations, and never at a checkout or verify route.
type Track struct {
	Match

	// The query parameter that carries the id. Default: `track_id`.
	Param string `json:"param,omitempty"`

	// Where the id is kept. `cookie`: in a signed cookie, and nothing on the server.
	// `store`: in the ledger, under a random visitor id that the cookie holds.
	// Default: `cookie`.
	Keep string `json:"keep,omitempty"`

	// How long a visit counts. Default: 30 days.
	TTL caddy.Duration `json:"ttl,omitempty"`

	// The affiliate to which the visits belong. Default: the only one that is configured.
	Affiliate string `json:"affiliate,omitempty"`

	// Which of two visits of one visitor counts: `last` or `first`. Default: `last`.
	Attribution string `json:"attribution,omitempty"`

	// A regular expression that the whole id must match. Other ids are ignored and
	// counted. Default: 8–128 of `[A-Za-z0-9_-]`.
	Pattern string `json:"pattern,omitempty"`

	conf trackRoute
}

// Item is something that a checkout sells.
type Item struct {
	// The item's name in the address: `<checkout path>/<sku>`.
	SKU string `json:"sku"`
	// The price in rials. In a Caddyfile it has a unit: `120000toman` or
	// `1200000rial`.
	Amount int64 `json:"amount"`
	// The title that customers read. Default: the sku.
	Title string `json:"title,omitempty"`
	// What people read in one language. Default: `title`.
	TitleFA string `json:"title_fa,omitempty"`
	TitleEN string `json:"title_en,omitempty"`
	// A picture: a path of the site or an https address.
	Picture string `json:"picture,omitempty"`
	// How many may be bought at once, where the checkout sells more than one. Default:
	// the checkout's.
	Quantity int `json:"quantity,omitempty"`
}

// BuyerField is something that the buyer is asked for.
type BuyerField struct {
	// `name`, `mobile` or `email`.
	Field string `json:"field"`
	// Nobody pays without it.
	Required bool `json:"required,omitempty"`
}

// Donation lets the buyer choose the amount within bounds.
type Donation struct {
	// The least amount in rials.
	Min int64 `json:"min"`
	// The greatest amount in rials.
	Max int64 `json:"max"`
}

// Checkout sells items for a site without a backend. `GET <path>/<sku>` shows a small
// page to confirm; `POST` starts the payment at the provider and redirects to the bank
// (303). The amount never comes from the browser, except for a donation, within its
// bounds.
type Checkout struct {
	// The path under which items are sold.
	Path string `json:"path"`
	// The providers' names. Of several the buyer chooses; the first is chosen unless it
	// starts no payments at the moment.
	Providers []string `json:"providers"`
	// What is sold.
	Items []Item `json:"items,omitempty"`
	// A CSV or JSON file with more items, which is read again when it changes.
	Catalogue string `json:"catalogue,omitempty"`
	// How many of an item may be bought at once, up to 1000. Default: one, and the buyer
	// isn't asked.
	Quantity int `json:"quantity,omitempty"`
	// What the buyer is asked for.
	Buyer []BuyerField `json:"buyer,omitempty"`
	// Receipts are found again at `<path>/receipt`.
	Receipt bool `json:"receipt,omitempty"`
	// A sum of the buyer's choice, at `GET <path>`.
	Donate *Donation `json:"donate,omitempty"`
	// The path to which customers come back. A `verify` route of each provider must
	// match it. Default: the first path of that route.
	Return string `json:"return,omitempty"`

	conf checkoutRoute
}

// Expect says where order and amount come from when neither our checkout nor an
// announcement of the shop has told them before.
type Expect struct {
	// `intent`: take only payments that our checkout started or the shop announced.
	// `lookup`: ask the shop. `signed`: read them from the return address, which the
	// shop has signed. `none`: believe the provider's answer, if it names the order.
	Mode string `json:"mode,omitempty"`
	// For `lookup`: the address to ask, with `{order}` in its path or query.
	URL string `json:"url,omitempty"`
}

// Ack says what proves that the shop has credited the order.
type Ack struct {
	// `status`: a 2xx or 3xx from an upstream, or a 2xx from a file server. `header`:
	// the response header X-Payment-Ack with the provider's id. `redirect`: a redirect
	// to one of the patterns. `relay`: the shop's own call to the provider, through the
	// relay, heard that it is paid, and the shop answered 2xx or 3xx. Default: `status`;
	// in `observe`: `relay`.
	Mode string `json:"mode,omitempty"`
	// For `redirect`: patterns in which `*` stands for anything.
	Patterns []string `json:"patterns,omitempty"`
}

// Refused describes answers by which the shop refuses a payment.
type Refused struct {
	// `redirect`: a 3xx whose Location matches a pattern. `status`: a status such as
	// `409` or `4xx`. `header`: a header, written `<name>:<pattern>`. `preset`: the
	// redirects of `woocommerce`, `edd`, `opencart`, `prestashop` or `whmcs`.
	Mode string `json:"mode"`
	// The patterns. In `redirect` and `header`, `*` stands for anything.
	Patterns []string `json:"patterns"`
}

// Answer says how a return is answered that is not delivered to the shop.
type Answer struct {
	// `page`: by our own page. `pass`: by the shop, which reads X-Payment-Status.
	// `redirect`: by a redirect.
	Mode string `json:"mode,omitempty"`
	// For `redirect`: a path of the site, or an absolute address.
	To string `json:"to,omitempty"`
}

// Verify is the route to which customers return from the bank. It asks the provider, and
// only then lets the shop's own handlers see the request, with trusted headers.
type Verify struct {
	Match

	// The provider's name.
	Provider string `json:"provider"`

	// `plugin` is short for `expect none` with `deliver idempotent`, for a shop whose
	// plugin takes "already verified" for paid and compares the amount itself. Default:
	// none.
	Mode string `json:"mode,omitempty"`

	// Where order and amount come from if nothing announced them. Default: `none` for a
	// provider whose answer names the order and that only this site uses, and `intent`
	// where a checkout of this site uses the provider. Anywhere else you must write it.
	Expect *Expect `json:"expect,omitempty"`

	// Which placeholder holds the order of a return, such as `{query.order}`. For
	// `expect lookup`.
	Order string `json:"order,omitempty"`

	// Parameters of the shop that must equal the verified order.
	Bind []string `json:"bind,omitempty"`

	// `idempotent` if the shop ignores a payment (provider and id) that it has credited
	// before, so that a delivery may be repeated; else `once`. Default: `once`.
	Deliver string `json:"deliver,omitempty"`

	// What proves that the shop has credited the order. Default: `status`.
	Ack *Ack `json:"ack,omitempty"`

	// Answers by which the shop refuses a payment. They are looked at before `ack`. Such
	// a payment is parked with an alert; it is not delivered again and not reported.
	Refused []Refused `json:"refused,omitempty"`

	// Whether an order may be paid more than once: `once` or `many`. Default: `once`.
	Orders string `json:"orders,omitempty"`

	// How the return of a declined payment is answered. Default: `page`.
	Declined *Answer `json:"declined,omitempty"`

	// How another return of a delivered payment is answered. Default: with the first
	// delivery's redirect if it is the same browser, else with a page.
	Duplicate *Answer `json:"duplicate,omitempty"`

	// What happens to a verified payment whose customer has gone. `deliver`: Caddy makes
	// the request in the customer's place. `park`: a person decides. Default: `deliver`
	// with `deliver idempotent`, `ack header` or `ack redirect`, and for payments of our
	// checkout; else `park`.
	Absent string `json:"absent,omitempty"`

	// How a return by POST gets the shop's cookies, which browsers don't send with it:
	// `redirect` (303 to a GET), `resubmit` (a form on the shop's own site), `auto` (one
	// of both) or `off`. Default: `auto`.
	Bounce string `json:"bounce,omitempty"`

	// How long the browser waits for the provider before it gets the page "being
	// confirmed". The work goes on. Default: `8s`.
	Timeout caddy.Duration `json:"timeout,omitempty"`

	route verifyRoute
}

// Require serves paid content only to visitors who bought it.
type Require struct {
	Match

	// The items that open the content. Having bought one is enough.
	Items []string `json:"items,omitempty"`

	// Where visitors are sent who have not paid.
	Checkout string `json:"checkout,omitempty"`

	// How many devices may open one purchase within 30 days. Default: 5.
	Devices int `json:"devices,omitempty"`

	guarded resource
}

// SigningKey is a secret that the shop shares with us.
type SigningKey struct {
	// The secret, at least 32 bytes, written as `{env.NAME}` or
	// `{file./path}`.
	Secret string `json:"secret"`
	// The key's name in receipts. Default: the first 8 hex digits of the secret's
	// SHA-256.
	KID string `json:"kid,omitempty"`
}

// String hides the secret.
func (SigningKey) String() string { return "REDACTED" }
