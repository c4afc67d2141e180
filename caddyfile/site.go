package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
)

// ParseSite sets up the site handler from Caddyfile tokens. Syntax:
//
//	payments {
//		track [@matcher | <path>...] {
//			param       <name>
//			keep        cookie|store
//			ttl         <duration>
//			affiliate   <name>
//			attribution last|first
//			pattern     <regexp>
//		}
//		checkout <path> <provider> {
//			item   <sku> <amount> [<title>]
//			donate <min> <max>
//			return <path>
//		}
//		verify <@matcher | path...> <provider> {
//			mode      plugin
//			expect    intent|signed|none
//			expect    lookup <url with {order}>
//			order     <placeholder>
//			bind      <param>...
//			deliver   once|idempotent
//			ack       status|header|relay
//			ack       redirect <pattern>...
//			refused   redirect|status|header <pattern>...
//			refused   preset woocommerce|edd|opencart|prestashop|whmcs
//			orders    once|many
//			declined  page|pass
//			declined  redirect <to>
//			duplicate page|pass
//			duplicate redirect <to>
//			absent    deliver|park
//			bounce    auto|redirect|resubmit|off
//			timeout   <duration>
//		}
//		require <@matcher | path...> {
//			item     <sku>...
//			checkout <path>
//			devices  <n>
//		}
//		observe <@matcher | path...> <provider> {
//			paid_when redirect|status|header <pattern>...
//			rescue    on|off
//			ack       relay|status|header
//			ack       redirect <pattern>...
//			refused   redirect|status|header <pattern>...
//			refused   preset woocommerce|edd|opencart|prestashop|whmcs
//			orders    many|once
//		}
//		relay <path> [<provider>...] {
//			allow     <cidr|unix>...
//			when_down refuse|forward
//			unknown   close|504
//		}
//		brand "<name>" {
//			logo    <path>
//			color   <hex>
//			support <text or url>
//			home    <path>
//		}
//		pages       <dir>
//		announce    off|on
//		errors      caddy
//		signing_key <secret> [<kid>]
//		public_url  <url>
//		formerly    <url>...
//	}
//
// Every line is optional and an empty block is the guard alone. The routes,
// `signing_key`, `formerly` and, in their blocks, `item` and `bind` may be repeated.
// Amounts carry their unit: `120000toman` or `1200000rial`.
//
// The directive takes no matcher itself: guarding only part of a site leaves the rest
// open to forged headers.
func ParseSite(h httpcaddyfile.Helper) ([]httpcaddyfile.ConfigValue, error) {
	h.Next() // the directive's own name
	if h.NextArg() {
		return nil, h.Err("payments takes no matcher and no other word: its guard is for every request of the site; matchers go on its track, verify and require lines")
	}
	if order, ok := h.Option("order").([]string); ok {
		if before := misplaced(order); before != "" {
			return nil, h.Errf("the global option `order` puts payments behind %s, where headers that a stranger forged are believed before the guard removes them: leave payments where it is, directly after tracing", before)
		}
	}
	global, err := readGlobal(h)
	if err != nil {
		return nil, err
	}
	s := &siteBlock{Helper: h, global: global, handler: new(handlers.Handler)}
	if err := block.Parse(h.Dispenser, "payments", s.lines()); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return h.NewRoute(nil, s.handler), nil
}

// misplaced returns a directive that would act before the guard under a changed order,
// "" if none would: all of Caddy's own but tracing come after it.
func misplaced(order []string) string {
	for _, name := range order {
		switch name {
		case handlers.AppName:
			return ""
		case "map", "vars", "fs", "root", "header", "request_body", "redir", "method", "rewrite", "uri", "try_files",
			"basic_auth", "basicauth", "forward_auth", "request_header", "intercept", "templates", "invoke", "handle", "handle_path", "route",
			"abort", "error", "copy_response", "copy_response_headers", "respond", "metrics", "reverse_proxy", "php_fastcgi", "file_server":
			return name
		}
	}
	return ""
}

// siteBlock is a block while it is read. The marks remember each route's line for the
// checks that need the whole block.
type siteBlock struct {
	httpcaddyfile.Helper
	global  *globalBlock
	handler *handlers.Handler

	checkoutMarks []*caddyfile.Dispenser
	verifyMarks   []*caddyfile.Dispenser
	requireMarks  []*caddyfile.Dispenser
}

// lines returns the options of a site's block.
func (s *siteBlock) lines() []block.Option {
	lines := []block.Option{
		{Name: "track", Many: true, Block: true, Read: s.track},
		{Name: "checkout", Many: true, Block: true, Read: s.checkout},
		{Name: "verify", Many: true, Block: true, Read: s.verify},
		{Name: "require", Many: true, Block: true, Read: s.require},
		{Name: "observe", Many: true, Block: true, Read: s.observe},
		{Name: "relay", Many: true, Block: true, Read: s.relay},
		{Name: "brand", Block: true, Read: s.brand},
		block.String("pages", &s.handler.Pages),
		{Name: "announce", Read: s.announce},
		block.Word("errors", &s.handler.Errors, "caddy"),
		{Name: "signing_key", Many: true, Read: func(d *caddyfile.Dispenser) error {
			return readSigningKey(d, &s.handler.SigningKeys)
		}},
		publicURL(&s.handler.PublicURL),
		formerly(&s.handler.Formerly),
	}
	for _, name := range []string{"storage", "provider", "affiliate"} {
		lines = append(lines, block.Option{Name: name, Many: true, Hidden: true, Read: func(d *caddyfile.Dispenser) error {
			return d.Errf("%s belongs in the `payments` block of the global options, first in the file", name)
		}})
	}
	return lines
}

func (s *siteBlock) announce(d *caddyfile.Dispenser) error {
	var written string
	if err := block.OneOf(d, "announce", &written, "off", "on"); err != nil {
		return err
	}
	if written == "off" {
		s.handler.Announce = written
	}
	return nil
}
