package sandbox

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Settings change how one provider behaves, or one payment (Return and Join
// only). A member that is absent leaves things as they are.
type Settings struct {
	// Return is get, post or bare.
	Return string `json:"return,omitempty"`
	// Join is how fields are put behind a callback: "proper" (default), or as
	// careless scripts do it: "blind" (always "?") and "amp" ("&amp;").
	Join string `json:"join,omitempty"`
	// Window is the verify window, where the gateway has one; "0s" is none.
	Window string `json:"window,omitempty"`
	// Fee and FeeType (merchant, buyer, both, none) of payments to come.
	Fee     *int64 `json:"fee,omitempty"`
	FeeType string `json:"fee_type,omitempty"`
	// MinAmount and MaxAmount bound the price, in rials.
	MinAmount *int64 `json:"min_amount,omitempty"`
	MaxAmount *int64 `json:"max_amount,omitempty"`
	// BankReference is given to payments to come instead of a random one.
	BankReference string `json:"bank_reference,omitempty"`
	// CallbackHost is the registered domain; other callbacks are refused with the
	// gateway's own code, where it has one.
	CallbackHost string `json:"callback_host,omitempty"`
	// CreateStatus is the HTTP status of sama's create: 200 (default) or 201.
	CreateStatus int `json:"create_status,omitempty"`
	// PaymentURL adds payment_url to sama's create answer.
	PaymentURL *bool `json:"payment_url,omitempty"`
	// KnownTracks, if any, are the only track ids that hamekar knows.
	KnownTracks []string `json:"known_tracks,omitempty"`
}

// clone shares nothing: decoding JSON into a copy would write through its
// pointers.
func (c Settings) clone() Settings {
	c.Fee, c.MinAmount, c.MaxAmount = copied(c.Fee), copied(c.MinAmount), copied(c.MaxAmount)
	c.PaymentURL = copied(c.PaymentURL)
	c.KnownTracks = slices.Clone(c.KnownTracks)
	return c
}

func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

func (c *Settings) validate(provider string) error {
	if registered[provider] == nil {
		return fmt.Errorf("%w: the sandbox has %s", ErrNotFound, strings.Join(services(), ", "))
	}
	if c.Return != "" {
		if err := checkReturn(c.Return); err != nil {
			return err
		}
	}
	switch c.Join {
	case "", "proper", "blind", "amp":
	default:
		return fmt.Errorf("join %q is unknown; it is proper, blind or amp", c.Join)
	}
	if c.Window != "" {
		if registered[provider].window == nil {
			return fmt.Errorf("window: %s has no verify window", provider)
		}
		if d, err := time.ParseDuration(c.Window); err != nil || d < 0 {
			return fmt.Errorf("window %q is not a duration such as 10m", c.Window)
		}
	}
	switch c.FeeType {
	case "", "merchant", "buyer", "both", "none":
	default:
		return fmt.Errorf("fee_type %q is unknown; it is merchant, buyer, both or none", c.FeeType)
	}
	switch c.CreateStatus {
	case 0, http.StatusOK, http.StatusCreated:
	default:
		return fmt.Errorf("create_status %d is neither 200 nor 201", c.CreateStatus)
	}
	if c.Fee != nil && *c.Fee < 0 {
		return fmt.Errorf("fee %d is negative", *c.Fee)
	}
	return nil
}

// limits returns the smallest and largest price. Zero is none.
func (s *Server) limits(provider string) (low, high int64) {
	g := registered[provider]
	low, high = g.low, g.high
	c := s.st.settings[provider]
	if c.MinAmount != nil {
		low = *c.MinAmount
	}
	if c.MaxAmount != nil {
		high = *c.MaxAmount
	}
	return low, high
}

// window returns the verify window of a provider; zero is none.
func (s *Server) window(provider string) time.Duration {
	if w := s.st.settings[provider].Window; w != "" {
		d, _ := time.ParseDuration(w) // validated when it was set
		return d
	}
	if window := registered[provider].window; window != nil {
		return window(&s.opts)
	}
	return 0
}

func (s *Server) returnMethod(p *payment) string {
	return cmp.Or(p.settings.Return, s.st.settings[p.provider].Return, s.opts.Returns[p.provider], s.opts.Return)
}

func (s *Server) join(p *payment) string {
	return cmp.Or(p.settings.Join, s.st.settings[p.provider].Join)
}
