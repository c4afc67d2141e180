package notify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/affiliates/message"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/nearest"
	"github.com/rahgir/caddy-payments/providers/wire"
)

// The times of a notifier.
const (
	// gather is how long the first message waits for what comes with its cause.
	gather = 3 * time.Second
	// again is how soon a message that was not taken is tried again.
	again        = 30 * time.Second
	defaultEvery = 10 * time.Minute
	// mostLines bounds a message, whatever happens.
	mostLines = 12
)

// Notifier tells people that something needs them.
type Notifier struct {
	wire.Config

	// What to tell of: review, parked, shop_refused, shop_down, owed, operator_fault, provider_down,
	// not_starting, provider_up, disk_low, report_failed, unclaimed, unannounced, other. Default: all.
	On []string `json:"on,omitempty"`
	// The request to make. It may use these placeholders: `{text}` (all that happened), `{count}`,
	// `{name}`, `{time.unix}`, `{time.iso}`, `{env.NAME}`, `{file./path}`.
	Request message.Request `json:"report,omitzero"`
	// The least time between two messages. Default: `10m`.
	Every caddy.Duration `json:"every,omitempty"`
	// The language of `{text}`: en or fa. Default: en.
	Lang string `json:"lang,omitempty"`

	name   string
	call   *message.Call
	client *wire.Client
	// deliver is send, but for tests.
	deliver func(context.Context, []line, int) error

	box *box
}

// Event is something that a person should know of.
type Event struct {
	Kind                    string
	Provider, Order, Reason string
}

var titles = map[string]lang.Text{
	"review":         {"payments need a person", "پرداخت نیازمند بررسی"},
	"parked":         {"paid, the shop is unsure", "پرداخت‌شده، فروشگاه نامطمئن"},
	"shop_refused":   {"paid, the shop refused it", "پرداخت‌شده، فروشگاه نپذیرفت"},
	"shop_down":      {"the shop takes no paid orders", "فروشگاه سفارش پرداخت‌شده نمی‌گیرد"},
	"operator_fault": {"the provider refuses our settings", "درگاه تنظیمات ما را نمی‌پذیرد"},
	"provider_down":  {"the provider does not answer", "درگاه پاسخ نمی‌دهد"},
	"not_starting":   {"the provider starts no payments", "درگاه پرداختی آغاز نمی‌کند"},
	"provider_up":    {"the provider answers again", "درگاه دوباره پاسخ می‌دهد"},
	"disk_low":       {"the ledger takes no payments, or soon will take none: see caddy payments doctor", "دفتر پرداخت‌ها پرداخت تازه نمی‌گیرد یا به‌زودی نخواهد گرفت: caddy payments doctor را ببینید"},
	"owed":           {"refused, and the money is with you", "پذیرفته نشد و پول پیش شماست"},
	"report_failed":  {"a report was not accepted", "گزارشی پذیرفته نشد"},
	"unclaimed":      {"paid, and nobody came back", "پرداخت‌شده و کسی برنگشته"},
	"unannounced":    {"returns that nothing announced", "بازگشت‌های اعلام‌نشده"},
	"other":          {"look into the log", "گزارش سرور را ببینید"},
}

// Kinds lists what a notifier can tell of.
func Kinds() []string {
	return []string{"review", "parked", "shop_refused", "shop_down", "owed", "operator_fault", "provider_down", "not_starting", "provider_up", "disk_low", "report_failed", "unclaimed", "unannounced", "other"}
}

// Provision resolves secrets and addresses. It makes no call.
func (n *Notifier) Provision(ctx caddy.Context, name string) (err error) {
	n.name, n.box = name, boxOf(name)
	if err := n.check(); err != nil {
		return err
	}
	base := ""
	if n.BaseURL != "" {
		b, err := n.Base("")
		if err != nil {
			return err
		}
		base = b.URL("")
	}
	if n.call, err = n.Request.Parse("report", base, n.InsecureHTTP, names()); err != nil {
		return err
	}
	n.deliver = n.send
	n.client, err = n.Client()
	return err
}

func names() message.Names {
	return message.Names{Values: []string{"text", "count", "name", "time.unix", "time.iso"}, Numbers: []string{"count", "time.unix"}, Fixed: message.Fixed}
}

func (n *Notifier) check() error {
	for _, k := range n.On {
		if slices.Contains(Kinds(), k) {
			continue
		}
		if near := nearest.Nearest(k, Kinds()); near != "" {
			return fmt.Errorf("on: there is no %.64q; did you mean %s?", k, near)
		}
		return fmt.Errorf("on: there is no such kind; there are %s", strings.Join(Kinds(), ", "))
	}
	if n.Request.URL == "" {
		return errors.New("report is missing: write `report POST https://sms.example/send` and `body form text={text}&key={env.SMS_KEY}`")
	}
	return wire.OneOf("lang", n.Lang, "en", "fa")
}

// Note takes an event up. It never waits.
func (n *Notifier) Note(e Event) {
	if _, ok := titles[e.Kind]; !ok {
		e.Kind = "other"
	}
	if n.hears(e.Kind) {
		n.box.note(e, "")
	}
}

func (n *Notifier) hears(kind string) bool { return len(n.On) == 0 || slices.Contains(n.On, kind) }

// Run sends what was collected until ctx ends. trouble hears of what could not be
// sent.
func (n *Notifier) Run(ctx context.Context, trouble func(error)) {
	for n.box.awaitNews(ctx) {
		if !sleep(ctx, n.box.until(n.every())) {
			return
		}
		b, ok := n.box.take()
		if !ok {
			continue
		}
		err := n.deliver(ctx, b.lines, b.more)
		n.box.done(b, err)
		if err != nil && ctx.Err() == nil {
			trouble(fmt.Errorf("notify %s: %w", n.name, err))
		}
	}
}

// every is the least time between two messages.
func (n *Notifier) every() time.Duration { return cmp.Or(time.Duration(n.Every), defaultEvery) }

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func (n *Notifier) send(ctx context.Context, lines []line, more int) error {
	count := more
	for _, l := range lines {
		count += l.count
	}
	now := time.Now()
	r := n.client.Do(ctx, n.call.Fill(map[string]string{
		"text": text(lines, more, lang.Lang(n.Lang)), "count": fmt.Sprint(count), "name": n.name,
		"time.unix": fmt.Sprint(now.Unix()), "time.iso": now.UTC().Format(time.RFC3339),
	}))
	switch {
	case r.Status >= 200 && r.Status < 300:
		return nil
	case r.Status == 0:
		return r.Answer().Err
	}
	return fmt.Errorf("%w %d", wire.ErrStatus, r.Status)
}

// text says what happened, a line for each cause.
func text(lines []line, more int, l lang.Lang) string {
	var out []string
	for _, x := range lines {
		s := lang.Digits(fmt.Sprint(x.count), l) + " × " + titles[x.Kind].In(l)
		for _, part := range []string{x.Provider, x.Reason} {
			if part != "" {
				s += " · " + part
			}
		}
		if len(x.orders) > 0 {
			s += " · " + strings.Join(x.orders, ", ")
			if x.count > len(x.orders) {
				s += " …"
			}
		}
		out = append(out, oneLine(s))
	}
	if more > 0 {
		out = append(out, fmt.Sprintf(lang.Text{"and %s more", "و %s مورد دیگر"}.In(l), lang.Digits(fmt.Sprint(more), l)))
	}
	return strings.Join(out, "\n")
}

// oneLine keeps an order number of a stranger's from making lines of its own.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0x2028 || r == 0x2029 {
			return ' '
		}
		return r
	}, s)
}

// Close closes idle connections.
func (n *Notifier) Close() {
	if n.client != nil {
		n.client.Close()
	}
}

// UnmarshalCaddyfile sets up a notifier from Caddyfile tokens; the name is read by
// the caller. Syntax:
//
//	notify <name> {
//		on     <kind>...
//		report <GET|POST> <url template>
//		header <field> <template>
//		body   json|form <template>
//		every  <duration>
//		lang   en|fa
//	}
func (n *Notifier) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	options := append(n.Config.Options(""), block.Strings("on", &n.On), block.Duration("every", &n.Every, 24*time.Hour, "10m"), block.Word("lang", &n.Lang, "en", "fa"))
	options[0] = block.String("base_url", &n.BaseURL)
	if err := block.Parse(d, "notify", append(options, message.Lines(&n.Request)...)); err != nil {
		return err
	}
	if err := n.check(); err != nil {
		return d.Errf("notify: %v", err)
	}
	return nil
}
