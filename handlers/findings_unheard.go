package handlers

import "fmt"

// unheard finds routes that wait for what the shop hears through a relay, where no relay serves their
// provider: each payment would be parked, whatever the shop answered.
func unheard(handlers []*Handler) (out []Finding) {
	for _, h := range handlers {
		for _, v := range h.Verify {
			if v.ack().Mode == ackRelay && !h.relays(v.Provider) {
				out = adding(out, Finding{Code: "ack_unrelayed", Where: h.place().shopName(), Text: fmt.Sprintf(
					"verify %s: `ack relay` waits for the shop to ask %s through a relay, and none serves it: every payment will be parked; add `relay` or `payment_relay`, or write another `ack`", v.name(), v.Provider)})
			}
		}
	}
	return out
}
