package doctor

import (
	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
)

// relays says what shops' plugins ran into at a relay since the start. What the newest
// one lacks is told as it was logged.
func relays(f Facts) []operate.Finding {
	texts := map[string]lang.Text{
		engine.EventRelayStranger: {
			"calls to the relay were refused, or are another shop's: %s since the start, the last %s ago%s",
			"فراخوانی‌هایی به رله پذیرفته نشد یا از فروشگاه دیگری بود: %s بار از زمان آغاز، آخری %s پیش%s",
		},
		engine.EventRelayCall: {
			"calls to the relay are none that it knows, and were not forwarded: %s since the start, the last %s ago%s",
			"رله فراخوانی‌هایی را نشناخت و نفرستاد: %s بار از زمان آغاز، آخری %s پیش%s",
		},
		engine.EventRelayDown: {
			"calls to the relay could not be recorded; they were refused, or passed unrecorded with `when_down forward`: told %s times since the start, the last %s ago%s",
			"فراخوانی‌هایی به رله ثبت‌شدنی نبود؛ پذیرفته نشد، یا با `when_down forward` بی‌ثبت گذشت: %s بار از زمان آغاز خبر داده شد، آخری %s پیش%s",
		},
		engine.EventNeedsSession: {
			"the plugin did not ask about a return that Caddy made for an absent customer; write `rescue off`, or let it find its order by the address: %s since the start, the last %s ago%s",
			"افزونه دربارهٔ بازگشتی که Caddy به جای مشتری ساخت چیزی نپرسید؛ `rescue off` بنویسید، یا بگذارید سفارش را از روی نشانی پیدا کند: %s بار از زمان آغاز، آخری %s پیش%s",
		},
		engine.EventMissedReturn: {
			"the shop did not handle returns that Caddy made for absent customers; they are made again, at most 8 times: see that the shop is up, and that its plugin calls an address of the relay: %s since the start, the last %s ago%s",
			"فروشگاه بازگشت‌هایی را که Caddy به جای مشتری غایب ساخت پاسخ درستی نداد؛ هر کدام تا ۸ بار دوباره ساخته می‌شود؛ ببینید فروشگاه برپاست و افزونه‌اش نشانیِ رله را صدا می‌زند: %s بار از زمان آغاز، آخری %s پیش%s",
		},
		engine.EventForeignReturn: {
			"returns came otherwise than their create named, and did not reach the shop: %s since the start, the last %s ago%s",
			"بازگشت‌هایی با نشانیِ ساختنِ پرداخت نمی‌خواند و به فروشگاه نرسید: %s بار از زمان آغاز، آخری %s پیش%s",
		},
	}
	var out []operate.Finding
	for _, t := range f.Watch.Relayed() {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: t.Event, Where: t.Where, Text: f.say(texts[t.Event], t.N, f.ago(t.Last), because(t.Why))})
	}
	return out
}
