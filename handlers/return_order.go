package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// orderSource says where a return carries the shop's order.
type orderSource struct {
	// param is a parameter of query or body, guarded against double reading.
	param string

	// placeholder is any other placeholder of the request.
	placeholder string
}

func (v *Verify) provisionOrder() error {
	v.route.order = orderSource{}
	s := v.Order
	if s == "" {
		return nil
	}
	name, ok := strings.CutPrefix(s, "{")
	name, closed := strings.CutSuffix(name, "}")
	if !ok || !closed || name == "" {
		return errors.New("order must be a placeholder such as {query.order}")
	}
	name = strings.TrimPrefix(name, "http.request.")
	for _, prefix := range []string{"uri.query.", "query."} {
		if p, ok := strings.CutPrefix(name, prefix); ok && p != "" {
			v.route.order.param = p
			return nil
		}
	}
	v.route.order.placeholder = strings.Trim(s, "{}")
	return nil
}

// guards returns the parameter that must not be readable in two ways, "" if there is none.
func (o orderSource) guards() string { return o.param }

// read returns the order that a return names, "" if it names none.
func (o orderSource) read(r *http.Request, set *params.Set) (string, error) {
	order := ""
	switch {
	case o.param != "":
		order = set.Get(o.param)
	case o.placeholder != "":
		if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
			order, _ = repl.GetString(o.placeholder)
		}
	}
	if order == "" {
		return "", nil
	}
	if payment.CheckOrder(order) != nil {
		return "", fmt.Errorf("%w: order", payment.ErrMalformed)
	}
	return order, nil
}
