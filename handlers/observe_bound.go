package handlers

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// twoWays tells why a return to a shop that verifies by itself could be read in two ways.
//
// Invariant: of the provider's parameters, and of those that the shop put into the
// callback, every reader behind us finds the value that we have compared, or none. PHP
// takes the last of two and folds names; a return that names one payment to us and
// another to the plugin would move a paid payment to another order.
func (o *Observe) twoWays(r *http.Request, rec *payment.Record, id string) error {
	theirs := o.conf.provider.terms.Params
	guarded, known := slices.Clone(theirs), ""
	if rec != nil && rec.Relay != nil {
		if u, err := url.Parse(rec.Relay.Callback); err == nil {
			known = u.RawQuery
			for name, values := range u.Query() {
				if !slices.Contains(theirs, name) && len(values) == 1 && len(values[0]) <= params.MaxValue && name != "" && !strings.ContainsAny(name, "[]*") {
					guarded = append(guarded, name)
				}
			}
		}
	}
	u, err := url.ParseRequestURI(originalURI(r))
	if err != nil {
		return errors.New("the address can't be read")
	}
	set, err := params.ParseKnown(u.RawQuery, bodyOf(r), r.Header.Get("Content-Type"), params.NewNames(guarded...).Lend(theirs...), known)
	if err != nil {
		return fmt.Errorf("the shop might read it otherwise than we do: %w", err)
	}
	if claimed, err := o.conf.provider.ReadReturn(set.Get); err != nil || claimed.ID != id {
		return errors.New("the shop might read another payment's id than we do")
	}
	return nil
}

// bodyOf reads a body that is posted, as far as a return's may go, and leaves it where it is.
func bodyOf(r *http.Request) []byte {
	if r.Method != http.MethodPost || r.Body == nil {
		return nil
	}
	body, _ := io.ReadAll(io.LimitReader(r.Body, params.MaxBytes+1))
	r.Body = unread{io.MultiReader(strings.NewReader(string(body)), r.Body), r.Body}
	return body
}

// unread is a body whose beginning was read, whole again.
type unread struct {
	io.Reader
	io.Closer
}
