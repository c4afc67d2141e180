package handlers

import (
	"fmt"
	"slices"
	"strings"
)

// quietMost is how many customers' returns in a row may go by without a question of the
// shop's before `doctor` says so.
const quietMost = 20

// looked notes whether the shop asked while it answered a return that claims to be paid.
func (o *Observe) looked(asked bool) {
	if asked {
		o.conf.quiet.Store(0)
		return
	}
	o.conf.quiet.Add(1)
}

// Returned says, for each site and provider, by whom its returns are verified, and what
// is not seen of them.
func (s *Sites) Returned() (known, missing []Finding) {
	for _, h := range s.all() {
		where := h.place().shopName()
		taken := make(map[string]bool)
		for _, v := range h.Verify {
			taken[v.Provider] = true
			known = append(known, Finding{Code: "returns", Where: where, Text: fmt.Sprintf("returns of %s at %s are verified by us", v.Provider, v.name())})
		}
		for _, o := range h.Observe {
			taken[o.Provider] = true
			how := "by nothing: this provider's inquiry is not documented as harmless, so write `paid_when`, or put a relay before its plugin"
			switch {
			case h.relays(o.Provider):
				how = "by the shop's own calls through the relay"
			case len(o.PaidWhen) > 0:
				how = "by how the shop answers them (`paid_when`)"
			case o.conf.inquires:
				how = "afterwards, by asking the provider in a way that settles nothing"
			default:
				missing = append(missing, Finding{Code: "returns", Where: where, Text: fmt.Sprintf("what becomes of the returns of %s at %s is seen %s", o.Provider, o.conf.name, how)})
				continue
			}
			known = append(known, Finding{Code: "returns", Where: where, Text: fmt.Sprintf("returns of %s at %s are the shop's; what becomes of them is seen %s", o.Provider, strings.TrimSuffix(o.conf.name, " "+o.Provider), how)})
			if n := o.conf.quiet.Load(); n >= quietMost {
				missing = append(missing, Finding{Code: "never_asks", Where: where, Text: fmt.Sprintf(
					"%d returns of %s in a row that claim to be paid, and the shop never asked the provider through the relay. Look where its plugin verifies, and put the relay's address there; a plugin that verifies nowhere credits forged returns, too: use `verify` in place of `observe`", n, o.Provider)})
			}
		}
		for _, l := range h.Relay {
			for _, name := range l.server.Names() {
				if !taken[name] {
					missing = append(missing, Finding{Code: "returns", Where: where, Text: fmt.Sprintf(
						"%s is relayed, and there is no `observe` where its customers return: the shop's answers are not seen, and no return is made for absent customers", name)})
				}
			}
		}
	}
	return known, missing
}

// reports: sales of the site may be reported.
func (h *Handler) reports() bool {
	return len(h.Verify) > 0 || len(h.Relay) > 0 || slices.ContainsFunc(h.Observe, func(o *Observe) bool {
		return h.relays(o.Provider) || o.conf.inquires || len(o.PaidWhen) > 0
	})
}
