package postback

import (
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/affiliates/message"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/internal/track"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// UnmarshalCaddyfile sets up the network from Caddyfile tokens. Syntax:
//
//	postback [<name>] {
//		param        <name>
//		pattern      <regular expression>
//		ttl          <duration>
//		report       <GET|POST> <url template>
//		header       <field> <template>
//		body         json|form <template>
//		success      status <code>...
//		success      json <pointer> <value>
//		rejected     <code>...
//		unauthorized <code>...
//		remember     <json pointer>
//		cancel       <GET|POST> <url template> [json|form <template>]
//		base_url     <url>
//		timeout      <duration>
//		proxy_url    <url>
//		insecure_http [on|off]
//	}
//
// A preset has lines of its own besides.
func (a *Affiliate) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	options := append(a.Config.Options(""),
		block.String("param", &a.Param), block.Duration("ttl", &a.TTL, 0, "30d"),
		block.Value("pattern", func(s string) error {
			a.Pattern = s
			_, err := track.ParsePattern(s)
			return err
		}),
		block.Option{Name: "success", Many: true, Read: a.readSuccess},
		codes("rejected", &a.Rejected), codes("unauthorized", &a.Unauthorized),
		block.String("remember", &a.Remember),
		block.Option{Name: "cancel", Read: func(d *caddyfile.Dispenser) error {
			a.CancelWith = new(message.Request)
			return a.CancelWith.Read(d, true)
		}},
	)
	options = append(options, message.Lines(&a.ReportWith)...)
	// base_url is judged with the rest: it is required by some presets only.
	options[0] = block.String("base_url", &a.BaseURL)
	for _, o := range a.known().Options {
		options = append(options, block.Value(o.Name, func(s string) error {
			if a.Options == nil {
				a.Options = make(map[string]string)
			}
			a.Options[o.Name] = s
			return nil
		}))
	}
	if err := wire.ParseBlock(d, options...); err != nil {
		return err
	}
	// A header of the report counts for the cancellation, too.
	if a.CancelWith != nil && len(a.ReportWith.Header) > 0 {
		a.CancelWith.Header = a.ReportWith.Header
	}
	if a.fixed() {
		if err := a.parse(nil); err != nil {
			return d.Errf("%s: %v", a.known().name, err)
		}
	}
	return nil
}

// fixed: no value depends on the machine that runs the configuration, so that all of
// it can be judged when it is adapted.
func (a *Affiliate) fixed() bool {
	texts := []string{a.BaseURL, a.ReportWith.URL, a.ReportWith.Body}
	for _, v := range a.ReportWith.Header {
		texts = append(texts, v)
	}
	if a.CancelWith != nil {
		texts = append(texts, a.CancelWith.URL, a.CancelWith.Body)
	}
	for _, v := range a.Options {
		texts = append(texts, v)
	}
	for _, t := range texts {
		if strings.Contains(t, "{env.") || strings.Contains(t, "{file.") || strings.Contains(t, "{$") {
			return false
		}
	}
	return true
}

func (a *Affiliate) readSuccess(d *caddyfile.Dispenser) error {
	var what string
	if err := block.OneOf(d, "success", &what, "status", "json"); err != nil {
		return err
	}
	if what == "status" {
		return readCodes(d, "success status", &a.Success.Status)
	}
	if d.CountRemainingArgs() != 2 {
		return d.Err("success json needs a pointer and a value: success json /success true")
	}
	d.NextArg()
	a.Success.Pointer = d.Val()
	d.NextArg()
	a.Success.Value = d.Val()
	return nil
}

func codes(name string, to *[]int) block.Option {
	return block.Option{Name: name, Read: func(d *caddyfile.Dispenser) error { return readCodes(d, name, to) }}
}

func readCodes(d *caddyfile.Dispenser, name string, to *[]int) error {
	args, err := block.Args(d)
	if err != nil {
		return err
	}
	for _, arg := range args {
		n, err := strconv.Atoi(arg)
		if err != nil || n < 100 || n > 599 {
			return d.Errf("%s takes HTTP statuses such as 200%s", name, quote.Not(arg))
		}
		*to = append(*to, n)
	}
	return nil
}

// Interface guard
var _ caddyfile.Unmarshaler = (*Affiliate)(nil)
