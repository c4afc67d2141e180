package explain

import (
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// attention is how long a payment may wait for a person.
const attention = 4 * time.Hour

var nextByReason = map[payment.Reason]lang.Text{
	payment.ReasonOperator:        {"Mend the provider's key, address or domain in its panel or in the configuration; it is asked again by itself.", "کلید، نشانی یا دامنه را در پنل درگاه یا پیکربندی درست کنید؛ خودش دوباره می‌پرسد."},
	payment.ReasonNoAccount:       {"Put the block of its account back (under any name), or write `formerly` and the old key in the block of the same account; it is asked by itself then. In review: search the provider's panel, then decide.", "بلوک همان حساب را (به هر نامی) برگردانید، یا اگر فقط کلید همان حساب عوض شده در بلوکش `formerly` و کلید قبلی را بنویسید؛ بعد خودش می‌پرسد. در حالت بررسی: در پنل درگاه پیدایش کنید و تصمیم بگیرید."},
	payment.ReasonNoRoute:         {"Put the site and its verify or observe route (for a relayed payment also its relay) back into the configuration, or note here that the money went back.", "سایت و مسیر verify یا observe آن را (و برای پرداخت رله‌ای، رله را هم) به پیکربندی برگردانید، یا اینجا ثبت کنید که پول برگشته است."},
	payment.ReasonTenfold:         {"Correct the unit in the shop or in the provider's block first: every payment suffers from it.", "اول واحد پول را در فروشگاه یا بلوک درگاه درست کنید: در همهٔ پرداخت‌ها پیش می‌آید."},
	payment.ReasonThousandfold:    {"Correct the unit in the shop or in the provider's block first: every payment suffers from it.", "اول واحد پول را در فروشگاه یا بلوک درگاه درست کنید: در همهٔ پرداخت‌ها پیش می‌آید."},
	payment.ReasonTenThousandfold: {"Correct the unit in the shop or in the provider's block first: every payment suffers from it.", "اول واحد پول را در فروشگاه یا بلوک درگاه درست کنید: در همهٔ پرداخت‌ها پیش می‌آید."},
	payment.ReasonSecondPayment:   {"Pay the second sum back in the provider's panel, then close it here.", "مبلغ دوم را در پنل درگاه پس بدهید و بعد آن را اینجا ببندید."},
	payment.ReasonReceiptUsed:     {"Look which order this receipt paid for. Usually nothing is owed: close it.", "ببینید این رسید کدام سفارش را پرداخته است. معمولاً بدهی‌ای نیست: آن را ببندید."},
	payment.ReasonUnexplained:     {"Look in the shop whether this id was credited before. If not, the order may be given.", "در فروشگاه ببینید این شناسه قبلاً حساب شده است یا نه. اگر نشده، می‌شود سفارش را داد."},
	payment.ReasonOldGeneration:   {"Look in the shop whether this id was credited before. If not, the order may be given.", "در فروشگاه ببینید این شناسه قبلاً حساب شده است یا نه. اگر نشده، می‌شود سفارش را داد."},
	payment.ReasonLate:            {"Decide whether the old price still stands.", "تصمیم بگیرید قیمت قدیم هنوز پابرجاست یا نه."},
}

var nextByState = map[payment.State]lang.Text{
	payment.Review:     {"Search the provider's panel for the numbers below, compare, then decide.", "در پنل درگاه شماره‌های زیر را جست‌وجو و مقایسه کنید، بعد تصمیم بگیرید."},
	payment.Parked:     {"Look in the shop whether it has this order as paid, then say so here or hand it over again.", "در فروشگاه ببینید این سفارش پرداخت‌شده ثبت شده یا نه؛ بعد همین‌جا بگویید یا دوباره بسپارید."},
	payment.Unknown:    {"Nothing: the provider is asked again by itself.", "کاری لازم نیست: خودش دوباره از درگاه می‌پرسد."},
	payment.Verified:   {"Nothing: it is handed over by itself.", "کاری لازم نیست: خودش سپرده می‌شود."},
	payment.Delivering: {"Nothing: the shop is told until it confirms.", "کاری لازم نیست: تا تأیید فروشگاه به آن خبر داده می‌شود."},
}

var payItBack = lang.Text{"Pay the sum back in the provider's panel, then note it here as paid back.", "مبلغ را در پنل درگاه پس بدهید و بعد همین‌جا ثبت کنید که پس داده شده است."}

func next(r *payment.Record, l lang.Lang) string {
	switch r.State {
	case payment.Declined:
		if r.Owed() {
			return payItBack.In(l)
		}
		return ""
	case payment.Delivered, payment.Expired, payment.Reversed:
		return ""
	}
	if t, ok := nextByReason[r.Reason]; ok {
		return t.In(l)
	}
	return nextByState[r.State].In(l)
}

var (
	deadlinePerson = lang.Text{
		"Decide by %s. Somebody has paid and has nothing; if the order can't be met, the law wants the sum paid back at once (e-commerce act, art. 39).",
		"تا %s تصمیم بگیرید. کسی پول داده و چیزی نگرفته است؛ اگر سفارش شدنی نیست، قانون (مادهٔ ۳۹ قانون تجارت الکترونیکی) می‌خواهد مبلغ بی‌درنگ برگردانده شود."}
	deadlineDoubt = lang.Text{
		"Decide by %s: the customer waits for an answer.",
		"تا %s تصمیم بگیرید: مشتری منتظر پاسخ است."}
	deadlineWindow = lang.Text{
		"The provider lets it be confirmed until about %s; unconfirmed money then goes back by itself.",
		"درگاه تا حدود %s اجازهٔ تأیید می‌دهد؛ پول تأییدنشده پس از آن خودش برمی‌گردد."}
	deadlineAsked = lang.Text{
		"It is asked about until %s, then left to a person.",
		"تا %s از درگاه پرسیده می‌شود و بعد به یک نفر سپرده می‌شود."}
	deadlineTold = lang.Text{
		"The shop is told until %s, then it is left to a person.",
		"تا %s به فروشگاه خبر داده می‌شود و بعد به یک نفر سپرده می‌شود."}
)

func deadline(r *payment.Record, f Facts, m Money, l lang.Lang) (time.Time, string) {
	say := func(t time.Time, s lang.Text) (time.Time, string) {
		return t, fill(s.In(l), lang.When(t, l))
	}
	switch r.State {
	case payment.Review, payment.Parked:
		if m == MoneyYes {
			return say(r.UpdatedAt.Add(attention), deadlinePerson)
		}
		return say(r.UpdatedAt.Add(attention), deadlineDoubt)
	case payment.Verifying, payment.Unknown:
		if r.Attempts.First.IsZero() {
			return time.Time{}, ""
		}
		if end := r.Attempts.First.Add(f.Window); f.GivesBack && f.Window > 0 && end.After(f.Now) {
			return say(end, deadlineWindow)
		}
		return say(r.Attempts.First.Add(payment.Patience), deadlineAsked)
	case payment.Delivering:
		if !r.Delivery.First.IsZero() {
			return say(r.Delivery.First.Add(payment.Patience), deadlineTold)
		}
	}
	return time.Time{}, ""
}

var conversions = map[payment.ReportState]lang.Text{
	payment.OpenReport:      {"The sale waits to be reported to the affiliate network.", "فروش در انتظار گزارش به شبکهٔ همکاری است."},
	payment.SentReport:      {"The affiliate network has counted the sale.", "شبکهٔ همکاری این فروش را شمرده است."},
	payment.RejectedReport:  {"The affiliate network refused the report.", "شبکهٔ همکاری گزارش را نپذیرفت."},
	payment.PerhapsReport:   {"The affiliate network refused the report after an earlier one without an answer: it may have counted it.", "شبکهٔ همکاری گزارش را پس از گزارشی بی‌پاسخ نپذیرفت: شاید آن را شمرده باشد."},
	payment.ParkedReport:    {"The affiliate network could not be told for a week.", "یک هفته نشد به شبکهٔ همکاری خبر داد."},
	payment.WithdrawnReport: {"The money went back before the affiliate network was told: the sale is not reported.", "پیش از خبر دادن به شبکهٔ همکاری پول برگشت؛ فروش گزارش نمی‌شود."},
}

// cancels are said in place of conversions once the network is told that the money
// went back.
var cancels = map[payment.ReportState]lang.Text{
	payment.OpenReport:     {"The affiliate network is being told that the money went back.", "به شبکهٔ همکاری خبر داده می‌شود که پول برگشته است."},
	payment.SentReport:     {"The affiliate network knows that the money went back.", "شبکهٔ همکاری می‌داند که پول برگشته است."},
	payment.RejectedReport: {"The affiliate network did not take the cancellation: tell it in its panel.", "شبکهٔ همکاری لغو فروش را نپذیرفت: در پنل آن خبر دهید."},
	payment.PerhapsReport:  {"The affiliate network did not take the cancellation, or has it already: look in its panel.", "شبکهٔ همکاری لغو فروش را نپذیرفت یا از پیش دارد: در پنل آن ببینید."},
	payment.ParkedReport:   {"The affiliate network could not be told of the cancellation: tell it in its panel.", "نشد لغو فروش را به شبکهٔ همکاری خبر داد: در پنل آن خبر دهید."},
}

// What is said of reports that were open in a ledger that was lost or restored.
var (
	lostSale   = lang.Text{"The sale was not reported when the ledger was lost or restored; it may have been reported since. Look in the affiliate network's panel, and send it again if it isn't there.", "هنگام از دست رفتن یا بازگرداندن دفتر، فروش هنوز گزارش نشده بود؛ شاید پس از آن گزارش شده باشد. در پنل شبکهٔ همکاری ببینید و اگر آنجا نیست دوباره بفرستید."}
	lostCancel = lang.Text{"The cancellation was not reported when the ledger was lost or restored; it may have been reported since. Look in the affiliate network's panel, and send it again if it isn't there.", "هنگام از دست رفتن یا بازگرداندن دفتر، لغو فروش هنوز گزارش نشده بود؛ شاید پس از آن گزارش شده باشد. در پنل شبکهٔ همکاری ببینید و اگر آنجا نیست دوباره بفرستید."}
)

func conversion(r *payment.Record, l lang.Lang) string {
	p := r.Sale()
	if p == nil {
		return ""
	}
	if c := r.Report(p.To, payment.ReportCancel); c != nil {
		if c.State == payment.PerhapsReport && c.Last == string(payment.ReasonOldGeneration) {
			return lostCancel.In(l)
		}
		return cancels[c.State].In(l)
	}
	if p.State == payment.PerhapsReport && p.Last == string(payment.ReasonOldGeneration) {
		return lostSale.In(l)
	}
	return conversions[p.State].In(l)
}
