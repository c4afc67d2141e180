package doctor

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/watch"
	"github.com/rahgir/caddy-payments/payment"
)

// stuckAfter is how long a paid order may be on its way to its shop before that is
// worth a line: the browser has a minute.
const stuckAfter = 5 * time.Minute

// slowWorth is how long after a slow hand-over that is worth a line.
const slowWorth = 24 * time.Hour

// shops says what waits for the shops, and how their last hand-overs went.
func shops(f Facts, w waits) []operate.Finding {
	var out []operate.Finding
	all := f.Watch.Shops()
	sites := make(map[string]bool)
	for site := range all {
		sites[site] = true
	}
	for site := range w.shop {
		sites[site] = true
	}
	for _, site := range slices.Sorted(maps.Keys(sites)) {
		s, h := all[site], w.shop[site]
		switch {
		case h != nil:
			out = append(out, operate.Finding{Level: h.level(), Code: "shop", Where: site,
				Text: f.say(lang.Text{"paid orders have not reached the shop: %s (%s); each is handed over again by itself", "سفارش‌های پرداخت‌شده به فروشگاه نرسیده است: %s (%s)؛ هر کدام خودبه‌خود دوباره سپرده می‌شود"}, h.says(f, w.more), meaning(f, h))})
		case s.Failing():
			out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "shop", Where: site,
				Text: f.say(lang.Text{"it has not taken a paid order since %s ago (%s in a row, the last: %s)", "از %s پیش سفارش پرداخت‌شده‌ای نگرفته است (%s بار پیاپی، آخری: %s)"}, f.ago(s.Since), s.Fails, string(s.Why))})
		default:
			out = append(out, operate.Finding{Level: operate.LevelOK, Code: "shop", Where: site,
				Text: f.say(lang.Text{"it took its last paid order %s ago", "آخرین سفارش پرداخت‌شده را %s پیش گرفت"}, f.ago(s.OK))})
		}
	}
	slow := f.Watch.Slow()
	for _, site := range slices.Sorted(maps.Keys(slow)) {
		if t := slow[site]; f.Now.Sub(t.Last) < slowWorth {
			out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "shop_slow", Where: site,
				Text: f.say(lang.Text{"its page took longer than 30 seconds to answer a paid customer (%s times since the start, last %s ago): the customer waits meanwhile, because `timeout` bounds the wait for the gateway only; see what the page does before it answers",
					"صفحهٔ آن برای پاسخ به مشتریِ پرداخت‌کرده بیش از ۳۰ ثانیه وقت گرفت (%s بار از زمان آغاز، آخرین بار %s پیش): مشتری در این مدت منتظر می‌ماند، چون `timeout` فقط انتظار برای درگاه را محدود می‌کند؛ ببینید این صفحه پیش از پاسخ چه می‌کند"}, t.N, f.ago(t.Last))})
		}
	}
	for _, site := range slices.Sorted(maps.Keys(w.unrouted)) {
		h := w.unrouted[site]
		out = append(out, operate.Finding{Level: h.level(), Code: "no_route", Where: site,
			Text: f.say(lang.Text{"paid orders whose return no site of the running configuration takes: %s; put the site and its verify or observe route (and the relay of a relayed payment) back, and each is handed over by itself",
				"سفارش‌های پرداخت‌شده‌ای که هیچ سایتی در پیکربندی کنونی بازگشتشان را نمی‌گیرد: %s؛ سایت و مسیر verify یا observe آن را (و رلهٔ پرداخت رله‌ای را) برگردانید تا هر کدام خودبه‌خود سپرده شود"}, h.says(f, w.more))})
	}
	for _, site := range slices.Sorted(maps.Keys(w.onTheWay)) {
		if h := w.onTheWay[site]; f.Now.Sub(h.oldest) > stuckAfter {
			out = append(out, operate.Finding{Level: h.level(), Code: "shop", Where: site,
				Text: f.say(lang.Text{"paid orders are on their way to the shop for long: %s", "سفارش‌های پرداخت‌شده مدتی است در راه فروشگاه‌اند: %s"}, h.says(f, w.more))})
		}
	}
	return out
}

// meaning is why orders have not reached their shop, in words where they are known.
func meaning(f Facts, h *heap) string {
	texts := map[payment.Reason]lang.Text{
		payment.ReasonUnreachable: {"it can't be connected to", "اتصال به آن ممکن نیست"},
		payment.ReasonNoProof:     {"it did not confirm", "تأیید نکرد"},
	}
	var out []string
	for _, why := range strings.Split(h.why(), ", ") {
		if text, ok := texts[payment.Reason(why)]; ok {
			why += ": " + f.say(text)
		}
		out = append(out, why)
	}
	return strings.Join(out, "; ")
}

// The forecasts that are worth a line, and worth a warning.
const (
	fullSoon  = watch.LowSoon
	fullWorth = 365 * 24 * time.Hour
)

// ledger says how much room there is, for how long, and who else works on it.
func ledger(f Facts) []operate.Finding {
	var out []operate.Finding
	l := f.Watch.Ledger()
	if f.Closed != nil {
		return append(out, closed(f))
	}
	if l.Seen.IsZero() {
		return nil
	}
	if l.Nodes > 1 {
		out = append(out, operate.Finding{Level: operate.LevelOK, Code: "nodes", Text: f.say(lang.Text{"%s nodes work on the ledger", "%s گره روی دفتر کار می‌کنند"}, l.Nodes)})
	}
	if l.Trouble != "" {
		text := lang.Text{"the ledger takes no new payments: customers get 503, and what has begun is finished; it goes on by itself when this is mended: %s",
			"دفتر پرداخت تازه نمی‌پذیرد: مشتریان ۵۰۳ می‌گیرند و آنچه شروع شده تمام می‌شود؛ وقتی این درست شود خودش ادامه می‌دهد: %s"}
		if l.Full {
			text = lang.Text{"the ledger takes no new payments, because its disk has no room: customers get 503, and what has begun is finished; make room, and it goes on by itself (%s)",
				"دفتر پرداخت تازه نمی‌پذیرد، چون دیسکش جا ندارد: مشتریان ۵۰۳ می‌گیرند و آنچه شروع شده تمام می‌شود؛ جا باز کنید تا خودش ادامه دهد (%s)"}
		}
		return append(out, operate.Finding{Level: operate.LevelError, Code: "store", Text: f.say(text, l.Trouble)})
	}
	out = append(out, operate.Finding{Level: operate.LevelOK, Code: "store", Text: f.say(lang.Text{"the ledger is open and takes payments", "دفتر باز است و پرداخت می‌پذیرد"})})
	if l.Room < 0 {
		return out
	}
	room := humanize.IBytes(uint64(l.Room)) //nolint:gosec // not negative here
	finding := operate.Finding{Level: operate.LevelOK, Code: "disk", Text: f.say(lang.Text{"%s may be written before new payments are refused", "تا نپذیرفتن پرداخت تازه %s جا هست"}, room)}
	if in, ok := f.Watch.Full(); ok && in < fullWorth {
		finding.Text += f.say(lang.Text{", at the pace of the last hours in %s", "؛ با شتاب ساعت‌های گذشته در %s پر می‌شود"}, lang.Age(in, f.Lang))
		if in < fullSoon {
			finding.Level = operate.LevelWarn
			finding.Text += f.say(lang.Text{": make room on the disk before that", ": پیش از آن روی دیسک جا باز کنید"})
		}
	}
	return append(out, finding)
}

// closed says that the ledger is not open.
func closed(f Facts) operate.Finding {
	text := lang.Text{"the ledger is not open, and payments get 503: %s", "دفتر باز نیست و پرداخت‌ها ۵۰۳ می‌گیرند: %s"}
	if errors.Is(f.Closed, payment.ErrFull) {
		text = lang.Text{"the ledger is not open, and payments get 503: %s; it opens by itself when there is room", "دفتر باز نیست و پرداخت‌ها ۵۰۳ می‌گیرند: %s؛ وقتی جا باز شود خودش باز می‌شود"}
	}
	return operate.Finding{Level: operate.LevelError, Code: "store", Text: f.say(text, f.Closed.Error())}
}
