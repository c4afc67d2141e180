package doctor

import (
	"fmt"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate"
)

// relays says what shops' plugins ran into at a relay since the start.
func relays(f Facts) []operate.Finding {
	texts := map[string]string{
		engine.EventRelayStranger: "calls to the relay were refused, or are another shop's",
		engine.EventRelayCall:     "calls to the relay are none that it knows, and were not forwarded",
		engine.EventRelayDown:     "calls to the relay were refused because they could not be recorded",
		engine.EventNeedsSession:  "returns that Caddy made for absent customers were not asked about: write `rescue off`, or tell the plugin to find its order by the address",
		engine.EventForeignReturn: "returns came with another address than their create named, and did not reach the shop",
	}
	var out []operate.Finding
	for _, t := range f.Watch.Relayed() {
		text := fmt.Sprintf("%s: %d since the start, the last %s ago", texts[t.Event], t.N, ago(f.Now, t.Last))
		if t.Why != "" {
			text += " (" + t.Why + ")"
		}
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: t.Event, Where: t.Where, Text: text})
	}
	return out
}
