package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/internal/quote"
)

// The ways a browser is sent back to the merchant.
const (
	ReturnGet  = "get"  // 303 with the fields in the query
	ReturnPost = "post" // a form that submits itself, fields in the body
	ReturnBare = "bare" // 303 to the callback without any field
)

// DefaultWindow is how long a paid IDPay payment waits for its verify call
// before the money goes back, as IDPay documents it.
const DefaultWindow = 10 * time.Minute

// Options say how a Server behaves. The zero value is a good sandbox.
type Options struct {
	// Window is the time between payment and verify after which IDPay gives
	// the money back. Default: 10 minutes.
	Window time.Duration

	// Return is how browsers are sent back: ReturnGet (default), ReturnPost
	// or ReturnBare.
	Return string

	// Returns overrides Return by provider.
	Returns map[string]string

	// StoreTokens are the Hamekar tokens that are accepted. Empty: any that
	// does not contain "wrong" or "invalid".
	StoreTokens []string

	// APIKeys are the keys that IDPay and the invoice script accept. Empty:
	// any plausible one (IDPay: a UUID) that does not contain "wrong" or
	// "invalid".
	APIKeys []string

	// MerchantIDs are the merchants that are accepted, where a gateway is told a
	// merchant and no key. Empty: any that does not contain "wrong" or "invalid".
	MerchantIDs []string

	// Card is the full number of the card that everybody pays with; its masked
	// form and its hash are what the providers tell. Default: one that nobody
	// owns, another for each payment.
	Card string

	// AllowRemote answers peers beyond loopback too. Default: they get 403.
	AllowRemote bool

	// PublicURL replaces scheme, host and path prefix in the pay links.
	// Default: scheme and host of the request that created the payment.
	PublicURL string

	// Now is the clock. Default: time.Now. /_control/clock moves it forward.
	Now func() time.Time

	// Stopping, if set, is polled by delayed and hanging answers: when it
	// says true they end, so that a fault never holds up a shutdown.
	Stopping func() bool
}

// validate fills defaults in and refuses what can't work.
func (o *Options) validate() error {
	if o.Window < 0 {
		return fmt.Errorf("window %s is negative", o.Window)
	}
	o.Window, o.Return = cmp.Or(o.Window, DefaultWindow), cmp.Or(o.Return, ReturnGet)
	if err := checkReturn(o.Return); err != nil {
		return err
	}
	for name, how := range o.Returns {
		if !isGateway(name) {
			return fmt.Errorf("return takes payment providers%s; they are %s", quote.Not(name, gateways()...), strings.Join(gateways(), ", "))
		}
		if err := checkReturn(how); err != nil {
			return err
		}
	}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return errors.New("public_url is not of the form http(s)://host[/path]")
		}
		o.PublicURL = strings.TrimRight(o.PublicURL, "/")
	}
	if o.Card != "" && (len(o.Card) != 16 || strings.Trim(o.Card, "0123456789") != "") {
		return errors.New("card is not a number of 16 digits")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Stopping == nil {
		o.Stopping = func() bool { return false }
	}
	return nil
}

func checkReturn(how string) error {
	switch how {
	case ReturnGet, ReturnPost, ReturnBare:
		return nil
	}
	return fmt.Errorf("return is get, post or bare%s", quote.Not(how, ReturnGet, ReturnPost, ReturnBare))
}
