package admin

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// mostOffered is how many references are offered.
const mostOffered = 50

// references offers payments by reference, those that need a person first; what else is
// known of them is their description. None where no Caddy answers.
func (c *cli) references(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	return c.referencesOf(begun, "attention", "open", "all")
}

// deciding offers the payments that wait for a person, and behind a reference the
// decisions that fit it.
func (c *cli) deciding(_ *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
	switch len(words) {
	case 0:
		return c.referencesOf(begun, "attention")
	case 1:
		var v operate.View
		if c.quietly(func() error { return c.get("show/"+url.PathEscape(words[0]), nil, &v) }) != nil {
			return decisions(), cobra.ShellCompDirectiveNoFileComp
		}
		var fit []string
		for _, d := range v.Explanation.Decisions {
			if _, ok := payment.RuleOf(payment.Decision(d.Key)); ok && d.Blocked == "" {
				fit = append(fit, d.Key+"\t"+clean(d.Does))
			}
		}
		return fit, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// referring offers a reference as the only argument.
func (c *cli) referring(_ *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(words) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return c.referencesOf(begun, "attention", "open", "all")
}

func (c *cli) referencesOf(begun string, states ...string) ([]string, cobra.ShellCompDirective) {
	var offered []string
	known := make(map[payment.Ref]bool)
	_ = c.quietly(func() error { // without an answer nothing is offered
		for _, state := range states {
			var page Listed
			if err := c.get("list", url.Values{"state": {state}, "limit": {fmt.Sprint(mostOffered)}}, &page); err != nil {
				return err
			}
			for _, r := range page.Payments {
				if !known[r.Ref] && strings.HasPrefix(string(r.Ref), strings.ToLower(begun)) && len(offered) < mostOffered {
					known[r.Ref] = true
					offered = append(offered, fmt.Sprintf("%s\t%s, order %s, %s", r.Ref, r.State, cmp.Or(clean(r.Order), "-"), lang.Toman(payment.Rials(r.Amount), lang.EN)))
				}
			}
		}
		return nil
	})
	return offered, cobra.ShellCompDirectiveNoFileComp
}

// quietly does something for a shell, which waits: soon, and without a word to the person at the
// terminal.
func (c *cli) quietly(f func() error) error {
	defer func(kept time.Duration) { c.patience = kept }(c.patience)
	c.patience = c.wait(shellPatience)
	kept := c.err
	c.err = io.Discard
	defer func() { c.err = kept }()
	return f()
}
