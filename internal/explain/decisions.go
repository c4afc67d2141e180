package explain

import (
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// Decision is something that a person may do about a payment now.
type Decision struct {
	// Key is what the command line and the admin API call it: a
	// [payment.Decision], or verify or report.
	Key string `json:"key"`
	// Label is its button; Does says what it does.
	Label string `json:"label"`
	Does  string `json:"does"`
	// Warn says what to make sure of first.
	Warn string `json:"warn,omitempty"`
	// Blocked says why it would be refused; empty if it would not.
	Blocked string `json:"blocked,omitempty"`
	// Note is whether it is kept with who and why.
	Note bool `json:"note"`
	// Final is whether nothing takes it back.
	Final bool `json:"final"`
}

type decisionText struct{ label, does, warn lang.Text }

// decisionTexts hang on the keys of the table in package payment, and on the two
// things that are asked for without being decided.
var decisionTexts = map[string]decisionText{
	string(payment.DecideAccept): {
		lang.Text{"Give the order", "سفارش داده شود"},
		lang.Text{"Takes the payment as good and hands the order to the shop.", "پرداخت را می‌پذیرد و سفارش را به فروشگاه می‌سپارد."},
		lang.Text{"Make sure in the provider's panel that this payment is settled, for this amount, and that the order was not given before.", "در پنل درگاه مطمئن شوید این پرداخت با همین مبلغ قطعی شده و سفارش قبلاً داده نشده است."},
	},
	string(payment.DecideReject): {
		lang.Text{"Don't give it", "سفارش داده نشود"},
		lang.Text{"Closes the payment without an order. Nothing is paid back by this: what the provider has settled stays listed as owed until you note it as paid back.", "پرداخت را بدون سفارش می‌بندد. پولی خودبه‌خود پس داده نمی‌شود: آنچه قطعی شده در فهرست بدهی‌ها می‌ماند تا ثبت کنید که پس داده‌اید."},
		lang.Text{},
	},
	string(payment.DecideCredited): {
		lang.Text{"The shop has it", "فروشگاه ثبت کرده است"},
		lang.Text{"Notes that the shop credited this payment. Nothing is handed over.", "ثبت می‌کند که فروشگاه این پرداخت را حساب کرده است. چیزی دوباره سپرده نمی‌شود."},
		lang.Text{},
	},
	string(payment.DecideRedeliver): {
		lang.Text{"Hand over again", "دوباره سپرده شود"},
		lang.Text{"Sends the customer's return to the shop once more, with the verified values.", "بازگشت مشتری را یک بار دیگر با مقدارهای تأییدشده به فروشگاه می‌فرستد."},
		lang.Text{"Look in the shop first: if it has the order already, it may give it twice.", "اول در فروشگاه نگاه کنید: اگر سفارش ثبت شده باشد، شاید دو بار داده شود."},
	},
	string(payment.DecideRepaid): {
		lang.Text{"The money was paid back", "پول پس داده شد"},
		lang.Text{"Notes that the payer has the money again. It moves no money, and the shop is not told.", "ثبت می‌کند که پرداخت‌کننده پول را پس گرفته است. پولی جابه‌جا نمی‌کند و به فروشگاه خبر نمی‌دهد."},
		lang.Text{"Only after the refund is done. Write its reference into the note.", "فقط پس از آنکه پول واقعاً پس داده شد. شمارهٔ آن را در یادداشت بنویسید."},
	},
	"verify": {
		lang.Text{"Ask the provider now", "همین حالا از درگاه بپرس"},
		lang.Text{"Asks the provider about this payment at once. If it is paid, it is settled and handed to the shop.", "بی‌درنگ از درگاه می‌پرسد. اگر پرداخت شده باشد، قطعی و به فروشگاه سپرده می‌شود."},
		lang.Text{},
	},
	"report": {
		lang.Text{"Report the conversion again", "گزارش دوباره به شبکهٔ همکاری"},
		lang.Text{"Tells the affiliate network of this sale again.", "این فروش را دوباره به شبکهٔ همکاری در فروش گزارش می‌دهد."},
		lang.Text{},
	},
}

var reportTwice = lang.Text{"An earlier report stayed without an answer: the network may count the sale twice.", "گزارش پیشین بی‌پاسخ مانده بود: شاید شبکه این فروش را دو بار بشمارد."}

var (
	blockedOrder   = lang.Text{"This order is already paid by another payment. Pay this one back instead.", "این سفارش با پرداخت دیگری پرداخت شده است. این یکی را پس بدهید."}
	blockedReceipt = lang.Text{"This receipt has already paid for something and counts only once.", "این رسید پیش‌تر خرج شده و فقط یک بار حساب می‌شود."}
	blockedRefund  = lang.Text{"Its money may be on its way back: say first what became of the refund.", "شاید پولش در راه بازگشت باشد: نخست بگویید بازپرداخت چه شد."}
	blockedHanding = lang.Text{"The shop is being told of it just now. Decide when that has ended: in two minutes at most.", "همین حالا به فروشگاه خبر داده می‌شود. وقتی تمام شد تصمیم بگیرید: حداکثر تا دو دقیقهٔ دیگر."}
	blockedRoute   = lang.Text{"No running site takes its return.", "هیچ سایت در حال کاری بازگشت آن را نمی‌پذیرد."}
)

// decisions returns those that may be taken about the record, and what may be asked for.
func decisions(r *payment.Record, f Facts, l lang.Lang) []Decision {
	var keys []string
	for _, d := range r.MayDecide() {
		keys = append(keys, string(d))
	}
	switch r.State {
	case payment.Created, payment.Unknown, payment.Declined, payment.Expired:
		if !r.Dismissed() {
			keys = append(keys, "verify")
		}
	}
	if reportFailed(r) {
		keys = append([]string{"report"}, keys...)
	}
	out := make([]Decision, 0, len(keys))
	for _, k := range keys {
		out = append(out, decision(k, r, f, l))
	}
	return out
}

// reportFailed: a network did not take the sale, or its cancellation.
func reportFailed(r *payment.Record) bool {
	for _, p := range r.Reports {
		if p.State.Failed() && (p.Kind == payment.ReportSale && r.State == payment.Delivered || p.Kind == payment.ReportCancel) {
			return true
		}
	}
	return false
}

func decision(key string, r *payment.Record, f Facts, l lang.Lang) Decision {
	t := decisionTexts[key]
	rule, _ := payment.RuleOf(payment.Decision(key))
	d := Decision{
		Key: key, Label: t.label.In(l), Does: t.does.In(l), Warn: t.warn.In(l),
		Note: rule.Note, Final: rule.Final,
	}
	give := rule.Key == payment.DecideAccept
	switch {
	case f.Handing && rule.Key != "":
		d.Blocked = blockedHanding.In(l)
	case give && (r.Reason == payment.ReasonReceiptUsed || f.ReceiptTaken):
		d.Blocked = blockedReceipt.In(l)
	case give && (r.Reason == payment.ReasonSecondPayment || f.OrderTaken && !f.OrdersMany):
		d.Blocked = blockedOrder.In(l)
	case rule.Key == payment.DecideRedeliver && r.OpenRefund() >= 0:
		d.Blocked = blockedRefund.In(l)
	case rule.Key == payment.DecideRedeliver && r.Return == nil:
		d.Blocked = blockedRoute.In(l)
	case key == "report" && r.ConversionState() == payment.PerhapsReport:
		d.Warn = reportTwice.In(l)
	}
	return d
}
