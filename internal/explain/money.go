package explain

import (
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// Money answers "is the money with me?".
type Money string

// The answers.
const (
	// MoneyYes: it is the shop's.
	MoneyYes Money = "yes"
	// MoneyNo: nothing was paid, or it went back already.
	MoneyNo Money = "no"
	// MoneyReturns: it was not taken and comes back to the payer by itself.
	MoneyReturns Money = "returns"
	// MoneyUnknown: only the provider's panel can tell.
	MoneyUnknown Money = "unknown"
)

type moneyText struct {
	money Money
	lang.Text
}

var (
	moneyWith      = moneyText{MoneyYes, lang.Text{"Yes: the provider has settled it, the money is yours.", "بله: درگاه آن را قطعی کرده و پول مال شماست."}}
	moneyBefore    = moneyText{MoneyYes, lang.Text{"Yes, but it was settled earlier: it may already have paid for another order.", "بله، ولی پیش‌تر قطعی شده است: شاید قبلاً برای سفارش دیگری حساب شده باشد."}}
	moneyTwice     = moneyText{MoneyYes, lang.Text{"Yes, twice: the order was paid before, so this second sum is owed to the payer.", "بله، دو بار: سفارش قبلاً پرداخت شده بود و این مبلغ دوم به پرداخت‌کننده بدهکار است."}}
	moneyDismissed = moneyText{MoneyYes, lang.Text{"Yes, unless you have paid it back: the provider had settled it.", "بله، مگر آنکه آن را پس داده باشید: درگاه آن را قطعی کرده بود."}}
	moneyOwed      = moneyText{MoneyYes, lang.Text{"Yes, and it is owed to the payer: the order is not given.", "بله، و به پرداخت‌کننده بدهکارید: سفارش داده نمی‌شود."}}
	moneyUsed      = moneyText{MoneyNo, lang.Text{"No new money: the same receipt was counted before.", "پول تازه‌ای نیست: همین رسید پیش‌تر حساب شده است."}}
	moneyReversed  = moneyText{MoneyNo, lang.Text{"No: it went back to the payer.", "خیر: به پرداخت‌کننده برگشته است."}}
	moneyNotPaid   = moneyText{MoneyNo, lang.Text{"No: nothing was paid, as far as the provider says.", "خیر: به گفتهٔ درگاه چیزی پرداخت نشده است."}}
	moneyReturns   = moneyText{MoneyReturns, lang.Text{"No: it was not taken and comes back to the payer by itself, usually within 72 hours.", "خیر: گرفته نشده و معمولاً تا ۷۲ ساعت خودش به کارت پرداخت‌کننده برمی‌گردد."}}
	moneyNotTaken  = moneyText{MoneyUnknown, lang.Text{"Unknown: we did not take it, and this provider documents no refund. Look in its panel.", "نامعلوم: ما آن را نگرفته‌ایم و این درگاه قولی دربارهٔ برگشت نداده است. در پنل آن ببینید."}}
	moneyUnknown   = moneyText{MoneyUnknown, lang.Text{"Unknown: look for it in the provider's panel.", "نامعلوم: در پنل درگاه آن را پیدا کنید."}}
	moneyPerhaps   = moneyText{MoneyUnknown, lang.Text{"Unknown: look in the provider's panel. What was not settled comes back to the payer by itself.", "نامعلوم: در پنل درگاه ببینید. آنچه قطعی نشده باشد خودش به پرداخت‌کننده برمی‌گردد."}}
	moneyNotYet    = moneyText{MoneyUnknown, lang.Text{"Not as far as is known: the customer is at the bank, or came back without paying.", "تا جایی که معلوم است نه: مشتری در بانک است، یا بی‌آنکه بپردازد برگشته است."}}
)

var noRealMoney = lang.Text{"Test environment: no real money. ", "محیط آزمایشی: پول واقعی نیست. "}

func moneyOf(r *payment.Record, f Facts) moneyText {
	open := moneyUnknown
	if f.GivesBack {
		open = moneyPerhaps
	}
	switch r.State {
	case payment.Verified, payment.Delivering, payment.Delivered, payment.Parked:
		return moneyWith
	case payment.Reversed:
		return moneyReversed
	case payment.Created:
		if r.Return != nil && !r.Return.Arrived.IsZero() {
			return open
		}
		return moneyNotYet
	case payment.Declined, payment.Expired:
		return moneyOfNo(r, f)
	case payment.Review:
		return moneyOfReview(r, open)
	}
	return open
}

func moneyOfNo(r *payment.Record, f Facts) moneyText {
	switch r.Reason {
	case payment.ReasonOwed:
		return moneyOwed
	case payment.ReasonDismissed:
		if wasUsed(r) {
			return moneyUsed
		}
		if r.Receipt != nil {
			return moneyDismissed
		}
		return moneyUnknown
	case payment.ReasonReturned:
		return moneyReversed
	case payment.ReasonUnannounced, payment.ReasonUnusable, payment.ReasonUnknownOrder, payment.ReasonStray, payment.ReasonForeign, payment.ReasonCalledPaid, payment.ReasonOldGeneration:
		return moneyUnknown // nobody was asked
	case payment.ReasonWindowClosed, payment.ReasonOrderPaid:
		if f.GivesBack {
			return moneyReturns
		}
		return moneyNotTaken
	}
	return moneyNotPaid
}

// wasUsed: a person refused it because its receipt had been counted before.
func wasUsed(r *payment.Record) bool {
	all := r.Decisions()
	return len(all) > 0 && all[len(all)-1].Was == string(payment.Review)+" "+string(payment.ReasonReceiptUsed)
}

// moneyOfReview: a receipt means that the provider settled something.
func moneyOfReview(r *payment.Record, open moneyText) moneyText {
	switch r.Reason {
	case payment.ReasonReceiptUsed:
		return moneyUsed
	case payment.ReasonAfterSilence, payment.ReasonNeverAnswered, payment.ReasonNoAccount, payment.ReasonUnrecognised, payment.ReasonIDDiffers:
		return open
	}
	switch {
	case r.Receipt == nil:
		return open
	case r.Reason == payment.ReasonUnexplained, r.Reason == payment.ReasonOldGeneration:
		return moneyBefore
	case r.Reason == payment.ReasonSecondPayment:
		return moneyTwice
	}
	return moneyWith
}
