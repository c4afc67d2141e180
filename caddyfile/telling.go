package caddyfile

import (
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/affiliates/notify"
	"github.com/rahgir/caddy-payments/affiliates/webhook"
	"github.com/rahgir/caddy-payments/app"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// parseWebhook reads `webhook <url> { … }`.
func parseWebhook(a *app.App, d *caddyfile.Dispenser) error {
	own := d.NewFromNextSegment()
	h := new(webhook.Hook)
	if err := h.UnmarshalCaddyfile(own); err != nil {
		return err
	}
	if !nameForm.MatchString(h.Name) && h.Name != "" {
		return d.Err("the name of a webhook is up to 64 letters, digits and any of '._-'")
	}
	for _, other := range a.Webhooks {
		if other.Called() == h.Called() {
			return d.Errf("%s is already defined; give this one a name of its own: name <name>", quote.Called("webhook", h.Called()))
		}
	}
	a.Webhooks = append(a.Webhooks, h)
	return nil
}

// parseNotify reads `notify <name> { … }`.
func parseNotify(a *app.App, d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.Err("notify needs a name: notify sms { … }")
	}
	name := d.Val()
	if !nameForm.MatchString(name) {
		return d.Err("the name of a notifier is up to 64 letters, digits and any of '._-'; its options go into a block")
	}
	if d.CountRemainingArgs() > 0 {
		d.NextArg()
		return d.Err("notify takes one name; its options go into a block")
	}
	if _, ok := a.Notify[name]; ok {
		return d.Errf("%s is already defined", quote.Called("notify", name))
	}
	n := new(notify.Notifier)
	if err := n.UnmarshalCaddyfile(d); err != nil {
		return err
	}
	if a.Notify == nil {
		a.Notify = make(map[string]*notify.Notifier)
	}
	a.Notify[name] = n
	return nil
}
