// Package doctor lists what needs attention, money first: which payments wait and for how
// long, which provider or shop refuses or doesn't answer, and what will soon be full.
// `doctor` and `status` use it, so they say the same.
//
// Invariant: what costs money now is an error, one cause is one finding, and nothing is
// reported as healthy or broken unless it was looked at.
package doctor

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/watch"
	"github.com/rahgir/caddy-payments/payment"
)

// Facts are what is looked at.
type Facts struct {
	Watch *watch.Watch
	Now   time.Time
	// Lang is the language of the findings' texts; English where it is empty.
	Lang lang.Lang
	// Providers are the configured ones; Sandbox says which of them take no real money.
	Providers []string
	Sandbox   map[string]bool
	// Closed is why the ledger is not open; nil if it is.
	Closed error
	// KeptBack says whether calls to a provider are kept back, because too many in a
	// row had no answer.
	KeptBack func(provider string) bool
	// Watching says how returns to a provider's observe routes wait to be asked about: how
	// many, since when the first, and how many are not asked about at all, the last when.
	Watching func(provider string) (waiting int, since time.Time, dropped int64, last time.Time)
}

// say fills a text of the findings' language in. Every verb is %s: a number of whatever type is
// written in the digits of that language.
func (f Facts) say(text lang.Text, args ...any) string {
	for i, a := range args {
		if v := reflect.ValueOf(a); v.CanInt() || v.CanUint() {
			args[i] = lang.Digits(fmt.Sprint(a), f.Lang)
		}
	}
	return fmt.Sprintf(text.In(f.Lang), args...)
}

// Money is what costs money, or soon will: errors first.
func Money(f Facts) []operate.Finding {
	var out []operate.Finding
	w := collect(f)
	for _, name := range f.Providers {
		out = append(out, provider(f, w, name)...)
		out = append(out, unwatched(f, name)...)
	}
	out = append(out, unanswered(f, w)...)
	out = append(out, orphans(f, w)...)
	out = append(out, shops(f, w)...)
	out = append(out, person(f, w)...)
	out = append(out, ledger(f)...)
	out = append(out, announcements(f)...)
	out = append(out, relays(f)...)
	slices.SortStableFunc(out, func(a, b operate.Finding) int { return cmp.Compare(rank(a.Level), rank(b.Level)) })
	return out
}

func rank(l operate.Level) int {
	return slices.Index([]operate.Level{operate.LevelError, operate.LevelWarn, operate.LevelOK}, l)
}

// heap are payments that wait for the same.
type heap struct {
	n      int
	sum    payment.Rials
	oldest time.Time
	live   bool
	whys   map[payment.Reason]int
}

func (h *heap) add(x watch.Waiter) {
	if h.n++; h.oldest.IsZero() || x.Since.Before(h.oldest) {
		h.oldest = x.Since
	}
	h.sum += x.Amount
	h.live = h.live || x.Live
	if h.whys == nil {
		h.whys = make(map[payment.Reason]int)
	}
	h.whys[x.Reason]++
}

// why are the reasons, the most frequent first.
func (h *heap) why() string {
	var names []payment.Reason
	for why := range h.whys {
		if why != "" {
			names = append(names, why)
		}
	}
	slices.SortFunc(names, func(a, b payment.Reason) int { return cmp.Or(h.whys[b]-h.whys[a], cmp.Compare(a, b)) })
	texts := make([]string, 0, len(names))
	for _, why := range names {
		texts = append(texts, string(why))
	}
	return strings.Join(texts, ", ")
}

// says is how many there are, how old the oldest is, and what they are worth.
func (h *heap) says(f Facts, more bool) string {
	text := lang.Text{"%s payments, %s, the oldest for %s", "%s پرداخت، %s، قدیمی‌ترین از %s پیش"}
	switch {
	case more:
		text = lang.Text{"at least %s payments, %s, the oldest for %s", "دست‌کم %s پرداخت، %s، قدیمی‌ترین از %s پیش"}
	case h.n == 1:
		text[0] = "%s payment, %s, the oldest for %s"
	}
	return f.say(text, h.n, lang.Rial(h.sum, f.Lang), f.ago(h.oldest))
}

// level is error for money, and warning for play money.
func (h *heap) level() operate.Level {
	if h.live {
		return operate.LevelError
	}
	return operate.LevelWarn
}

type waits struct {
	more     bool
	unknown  map[string]*heap // by provider
	shop     map[string]*heap // by site
	onTheWay map[string]*heap // by site; nothing has gone wrong yet
	orphans  map[string]*heap // by provider: no block has their account
	unrouted map[string]*heap // by site: paid, and no site takes their return
	person   heap             // in review or parked
	owed     heap
	refund   heap
}

func collect(f Facts) waits {
	w := waits{unknown: map[string]*heap{}, shop: map[string]*heap{}, onTheWay: map[string]*heap{}, orphans: map[string]*heap{}, unrouted: map[string]*heap{}}
	all, more := f.Watch.Waiters()
	w.more = more
	for _, x := range all {
		switch x.State {
		case payment.Unknown:
			if x.Reason == payment.ReasonNoAccount {
				into(w.orphans, x.Provider).add(x)
				continue
			}
			into(w.unknown, x.Provider).add(x)
		case payment.Review, payment.Parked:
			w.person.add(x)
		case watch.Owed:
			w.owed.add(x)
		case watch.Refund:
			w.refund.add(x)
		default:
			sites := w.shop
			switch x.Reason {
			case "":
				sites = w.onTheWay
			case payment.ReasonNoRoute:
				sites = w.unrouted
			}
			into(sites, x.Site).add(x)
		}
	}
	return w
}

func into(m map[string]*heap, k string) *heap {
	if m[k] == nil {
		m[k] = &heap{}
	}
	return m[k]
}

// ago is how long ago something was.
func (f Facts) ago(t time.Time) string { return lang.Age(max(0, f.Now.Sub(t)), f.Lang) }

// asked is how long a refund may wait for its answer before it is trouble.
const asked = time.Minute

// person is what a person must decide.
func person(f Facts, w waits) []operate.Finding {
	var out []operate.Finding
	if h := w.owed; h.n > 0 {
		out = append(out, operate.Finding{Level: h.level(), Code: "owed",
			Text: f.say(lang.Text{"owed to customers whose order was refused: %s; pay them back and note each with: caddy payments resolve REFERENCE repaid",
				"به مشتریانی که سفارششان پذیرفته نشد بدهکارید: %s؛ پولشان را پس بدهید و هر کدام را ثبت کنید: caddy payments resolve REFERENCE repaid"}, h.says(f, w.more))})
	}
	if h := w.refund; h.n > 0 && f.Now.Sub(h.oldest) > asked {
		out = append(out, operate.Finding{Level: h.level(), Code: "refund",
			Text: f.say(lang.Text{"nobody knows whether the money went back: %s; look in the gateway's panel and note each with: caddy payments refund REFERENCE --was done|refused (see them with: caddy payments list --state attention)",
				"معلوم نیست پول برگشته یا نه: %s؛ در پنل درگاه ببینید و هر کدام را ثبت کنید: caddy payments refund REFERENCE --was done|refused (فهرست: caddy payments list --state attention)"}, h.says(f, w.more))})
	}
	if h := w.person; h.n > 0 {
		out = append(out, operate.Finding{Level: h.level(), Code: "waiting",
			Text: f.say(lang.Text{"waiting for a person: %s (%s); see them with: caddy payments list --state attention",
				"منتظر تصمیم کسی: %s (%s)؛ با این دستور دیده می‌شوند: caddy payments list --state attention"}, h.says(f, w.more), h.why())})
	}
	return out
}

// announcements are returns that came without an intent, and announcements that could
// not be read.
func announcements(f Facts) []operate.Finding {
	var out []operate.Finding
	unannounced, unusable := f.Watch.Announcements()
	if unannounced.N > 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "unannounced",
			Text: f.say(lang.Text{"%s returns since the start, the last %s ago, of payments that nothing announced: the redirect to the bank must pass through this site and carry X-Payment-Order and X-Payment-Amount",
				"%s بازگشت از زمان آغاز، آخری %s پیش، از پرداخت‌هایی که هیچ چیز اعلامشان نکرده بود: رفتن به بانک باید از همین سایت بگذرد و X-Payment-Order و X-Payment-Amount داشته باشد"}, unannounced.N, f.ago(unannounced.Last))})
	}
	if t := f.Watch.Forgotten(); t.N > 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "forgotten",
			Text: f.say(lang.Text{"%s returns since the start, the last %s ago, of payments whose records were lost with an earlier ledger: their customers read that the shop looks into it, so compare with the provider's panel; see them with: caddy payments list --state declined (reason ledger_lost)",
				"%s بازگشت از زمان آغاز، آخری %s پیش، از پرداخت‌هایی که سابقه‌شان با دفتر پیشین گم شده است: به مشتریان گفته می‌شود که فروشگاه بررسی می‌کند، پس با پنل درگاه مقایسه کنید؛ با این دستور دیده می‌شوند: caddy payments list --state declined (دلیل ledger_lost)"}, t.N, f.ago(t.Last))})
	}
	if t := f.Watch.Dropped(); t.N > 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "dropped",
			Text: f.say(lang.Text{"%s claims to have paid were dropped since the start, the last %s ago, without a question to the provider: the shop doesn't know the order or calls it paid, or the id is another order's; if customers miss an order, look at what the shop answers and see them with: caddy payments list --state declined",
				"از زمان آغاز %s ادعای پرداخت، آخری %s پیش، بی پرسش از درگاه کنار گذاشته شد: فروشگاه سفارش را نمی‌شناسد یا پرداخت‌شده می‌داند، یا شناسه از آنِ سفارش دیگری است؛ اگر سفارش مشتری‌ای نرسیده، پاسخ فروشگاه را بررسی کنید؛ با این دستور دیده می‌شوند: caddy payments list --state declined"}, t.N, f.ago(t.Last))})
	}
	if unusable.N > 0 {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "unusable",
			Text: f.say(lang.Text{"%s announcements since the start, the last %s ago, could not be read; the log says what stood there (announcement_unusable)",
				"%s اعلام از زمان آغاز، آخری %s پیش، خوانا نبود؛ گزارش سرور می‌گوید چه نوشته بود (announcement_unusable)"}, unusable.N, f.ago(unusable.Last))})
	}
	return out
}
