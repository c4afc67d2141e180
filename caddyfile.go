package payments

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/rahgir/caddy-payments/caddyfile"
	"github.com/rahgir/caddy-payments/handlers"
)

func init() {
	httpcaddyfile.RegisterGlobalOption(handlers.AppName, caddyfile.ParseGlobal)
	httpcaddyfile.RegisterDirective(handlers.AppName, caddyfile.ParseSite)
	// Exactly here. Any later and `root`, `header`, `vars` or `redir` act on a
	// header that a stranger forged, before the guard removes it; any earlier and
	// there is no span for traces.
	httpcaddyfile.RegisterDirectiveOrder(handlers.AppName, httpcaddyfile.After, "tracing")
}
