package doctor

import (
	"maps"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/watch"
)

// provider says how one provider answers. What waits for it because of that belongs to
// the same finding.
func provider(f Facts, w waits, name string) []operate.Finding {
	p := f.Watch.Provider(name)
	level := operate.LevelError
	if f.Sandbox[name] {
		level = operate.LevelWarn
	}
	waiting := ""
	if h := w.unknown[name]; h != nil {
		waiting = f.say(lang.Text{"; %s waiting for its answer", "؛ %s منتظر پاسخ آن"}, h.says(f, w.more))
	}
	var out []operate.Finding
	switch kept := f.KeptBack != nil && f.KeptBack(name); {
	case p.Refusing:
		code := ""
		if p.Code != "" {
			code = f.say(lang.Text{" (code %s)", " (کد %s)"}, p.Code)
		}
		out = append(out, operate.Finding{Level: level, Code: "refused", Where: name,
			Text: f.say(lang.Text{"it has refused our key, address or account for %s, the last time %s ago%s, and has settled nothing since: see its panel, correct the key, and run caddy reload --force%s",
				"از %s پیش کلید، نشانی یا حساب ما را نمی‌پذیرد، آخرین بار %s پیش%s، و از آن پس چیزی قطعی نکرده است: پنل آن را ببینید، کلید را درست کنید و caddy reload --force را اجرا کنید%s"}, f.ago(p.Since), f.ago(p.Last), code, waiting)})
		return out
	case p.Asked.Failing() || kept:
		text := f.say(lang.Text{"calls to it are kept back, because too many had no answer", "پرسش از آن نگه داشته می‌شود، چون پرسش‌های زیادی بی‌پاسخ ماند"})
		if p.Asked.Fails > 0 {
			text = f.say(lang.Text{"it has answered nothing for %s (%s questions in a row%s)", "از %s پیش هیچ پاسخی نداده است (%s پرسش پیاپی%s)"}, f.ago(p.Asked.Since), p.Asked.Fails, because(p.Asked.Err))
		}
		if p.Asked.Fails > 0 && kept {
			text += f.say(lang.Text{"; calls to it are kept back, one at a time finds out whether it is back", "؛ پرسش‌ها نگه داشته می‌شود و یکی‌یکی آزموده می‌شود که برگشته است یا نه"})
		}
		out = append(out, operate.Finding{Level: level, Code: "unanswered", Where: name,
			Text: text + waiting + f.say(lang.Text{": nothing is lost, each is asked again by itself", ": چیزی از دست نرفته و هر کدام خودبه‌خود دوباره پرسیده می‌شود"})})
	}
	if c := p.Created; c.Fails > 0 {
		if !c.Failing() {
			level = operate.LevelWarn
		}
		verb := lang.Text{"gave no answer that can be read", "پاسخ خوانایی نداد"}
		if c.Refused {
			verb = lang.Text{"refused", "نپذیرفت"}
		}
		out = append(out, operate.Finding{Level: level, Code: "create", Where: name,
			Text: f.say(lang.Text{"it has started no payment for %s: customers who pressed Pay got none (%s in a row, the last %s ago; it %s%s)",
				"از %s پیش هیچ پرداختی را آغاز نکرده است: مشتریانی که «پرداخت» را زدند به بانک نرسیدند (%s بار پیاپی، آخری %s پیش؛ %s%s)"}, f.ago(c.Since), c.Fails, f.ago(c.Last), f.say(verb), because(c.Err))})
	}
	return out
}

// because is an error in a parenthesis, shortened.
func because(text string) string {
	const most = 200
	if text == "" {
		return ""
	}
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return "; " + text
}

// unanswered is what waits for a provider that otherwise answers, or that is no longer
// configured.
func unanswered(f Facts, w waits) []operate.Finding {
	var out []operate.Finding
	for _, name := range slices.Sorted(maps.Keys(w.unknown)) {
		h, p := w.unknown[name], f.Watch.Provider(name)
		configured := slices.Contains(f.Providers, name)
		if configured && told(f, name, p) {
			continue
		}
		level, text := operate.LevelWarn, lang.Text{"for its answer: %s: each is asked again by itself", "منتظر پاسخ آن: %s: هر کدام خودبه‌خود دوباره پرسیده می‌شود"}
		if !configured {
			level, text = h.level(), lang.Text{"for its answer: %s: no such provider is configured, so nobody asks", "منتظر پاسخ آن: %s: چنین درگاهی در پیکربندی نیست، پس کسی نمی‌پرسد"}
		}
		out = append(out, operate.Finding{Level: level, Code: "unknown", Where: name, Text: f.say(text, h.says(f, w.more))})
	}
	return out
}

// orphans are payments about which nobody can be asked.
func orphans(f Facts, w waits) []operate.Finding {
	var out []operate.Finding
	for _, name := range slices.Sorted(maps.Keys(w.orphans)) {
		h := w.orphans[name]
		out = append(out, operate.Finding{Level: h.level(), Code: "no_account", Where: name,
			Text: f.say(lang.Text{"begun with an account that no provider block has, so nobody is asked: %s; put its block back (under any name), or, if only the key of the same account was changed, write `formerly` and the old key in its block (not for zarinpal and zibal: another merchant is another account) (see them with: caddy payments list --state attention)",
				"با حسابی آغاز شده که در هیچ بلوک درگاهی نیست، پس کسی نمی‌پرسد: %s؛ بلوکش را (به هر نامی) برگردانید، یا اگر فقط کلید همان حساب عوض شده در بلوکش `formerly` و کلید قبلی را بنویسید (نه برای zarinpal و zibal: مرچنت دیگر یعنی حساب دیگر) (فهرست: caddy payments list --state attention)"}, h.says(f, w.more))})
	}
	return out
}

// told: the provider's own finding has what waits for it.
func told(f Facts, name string, p watch.Provider) bool {
	return !p.Up() || f.KeptBack != nil && f.KeptBack(name)
}

// The bounds from which on returns that wait to be asked about are worth a line, and until when
// those that are not asked about are.
const (
	watchLate = time.Minute
	dropsTold = 24 * time.Hour
)

// unwatched says that more customers return to an observe route than their provider may be asked
// about.
func unwatched(f Facts, name string) (out []operate.Finding) {
	if f.Watching == nil {
		return nil
	}
	waiting, since, dropped, last := f.Watching(name)
	if waiting > 0 && f.Now.Sub(since) > watchLate {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "observed", Where: name,
			Text: f.say(lang.Text{"%s returns of customers wait to be asked about, the first for %s: their sales are reported late; let the shop announce its payments (X-Payment-Order and X-Payment-Amount), which go first, or use the relay",
				"%s بازگشت مشتری منتظر پرسش است، اولی از %s پیش: فروششان دیر گزارش می‌شود؛ بگذارید فروشگاه پرداخت‌هایش را اعلام کند (X-Payment-Order و X-Payment-Amount) که پیش از همه پرسیده می‌شوند، یا رله را به کار ببرید"}, waiting, f.ago(since))})
	}
	if dropped > 0 && f.Now.Sub(last) < dropsTold {
		out = append(out, operate.Finding{Level: operate.LevelWarn, Code: "observed", Where: name,
			Text: f.say(lang.Text{"%s returns of customers are not asked about, the last %s ago, because too many came: their sales are not reported; let the shop announce its payments, which go first, or use the relay",
				"%s بازگشت مشتری پرسیده نمی‌شود، آخری %s پیش، چون بیش از اندازه آمدند: فروششان گزارش نمی‌شود؛ بگذارید فروشگاه پرداخت‌هایش را اعلام کند که پیش از همه پرسیده می‌شوند، یا رله را به کار ببرید"}, dropped, f.ago(last))})
	}
	return out
}
