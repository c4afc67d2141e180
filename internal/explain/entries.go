package explain

import (
	"cmp"
	"strings"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

var (
	askedFirst = lang.Text{"The provider was asked for the first time", "نخستین بار از درگاه پرسیده شد"}
	reported   = lang.Text{"The sale was reported to the affiliate network", "فروش به شبکهٔ همکاری گزارش شد"}
)

// entryTexts are the lines of a history. The first %s of a line is the sentence of
// the entry's reason where it has one.
var entryTexts = map[payment.EntryKind]lang.Text{
	payment.EntryAsked:       {"The provider was asked again", "دوباره از درگاه پرسیده شد"},
	payment.EntryConfirmed:   {"The provider confirmed the payment", "درگاه پرداخت را تأیید کرد"},
	payment.EntrySilent:      {"No certain answer: %s", "پاسخ قطعی نرسید: %s"},
	payment.EntryRefused:     {"Not paid: %s", "پرداخت‌نشده: %s"},
	payment.EntryDoubted:     {"Left to a person: %s", "به یک نفر سپرده شد: %s"},
	payment.EntryLapsed:      {"Over: %s", "پایان یافت: %s"},
	payment.EntryHanded:      {"It was handed to the shop with its customer", "همراه مشتری به فروشگاه سپرده شد"},
	payment.EntryCredited:    {"The shop confirmed it", "فروشگاه آن را تأیید کرد"},
	payment.EntryMissed:      {"The shop did not confirm it: %s", "فروشگاه آن را تأیید نکرد: %s"},
	payment.EntryUnsent:      {"The shop was not reached: %s", "به فروشگاه نرسید: %s"},
	payment.EntryParked:      {"Left to a person: %s", "به یک نفر سپرده شد: %s"},
	payment.EntryBound:       {"A return that names this order came, so it is given", "بازگشتی که همین سفارش را نام می‌برد رسید و سفارش داده می‌شود"},
	payment.EntryReported:    reported,
	payment.EntryCancelled:   {"The affiliate network was told that the money went back", "به شبکهٔ همکاری خبر داده شد که پول برگشته است"},
	payment.EntryUnreported:  {"The report was not accepted: %s", "گزارش پذیرفته نشد: %s"},
	payment.EntryTold:        {"A webhook was told: %s", "وب‌هوک خبردار شد: %s"},
	payment.EntryReopened:    {"It is being reported again", "دوباره گزارش می‌شود"},
	payment.EntryGivingBack:  {"The provider was asked to give back %s rials", "از درگاه خواسته شد %s ریال پس بدهد"},
	payment.EntryGivenBack:   {"The money went back", "پول برگشت"},
	payment.EntryKept:        {"Nothing went back", "پولی برنگشت"},
	payment.EntryBackUnknown: {"Whether the money went back is not known: look in the provider's panel", "معلوم نیست پول برگشته یا نه: در پنل درگاه ببینید"},
	payment.EntryVoid:        {"The provider refused the amount with which the shop asked; nothing was settled", "درگاه مبلغی را که فروشگاه با آن پرسید نپذیرفت؛ چیزی قطعی نشد"},
	payment.EntryErased:      {"What was known of the payer was erased", "آنچه از پرداخت‌کننده می‌دانستیم پاک شد"},
	payment.EntryOmitted:     {"%s older entries were left out here", "%s مورد قدیمی‌تر اینجا کنار گذاشته شد"},
}

var handedByWorker = lang.Text{"It was handed to the shop without its customer", "بدون مشتری به فروشگاه سپرده شد"}

// decided are the lines of decisions: who, and why.
var decided = map[payment.Decision]lang.Text{
	payment.DecideAccept:    {"%s decided to give the order", "%s تصمیم گرفت سفارش داده شود"},
	payment.DecideReject:    {"%s decided not to give the order", "%s تصمیم گرفت سفارش داده نشود"},
	payment.DecideCredited:  {"%s noted that the shop has it", "%s ثبت کرد که فروشگاه آن را دارد"},
	payment.DecideRedeliver: {"%s had it handed over again", "%s خواست دوباره سپرده شود"},
	payment.DecideRepaid:    {"%s noted that the money was paid back", "%s ثبت کرد که پول پس داده شده است"},
}

func (t *timeline) entry(e payment.Entry) (lang.Text, []string) {
	text, ok := entryTexts[e.Kind]
	code := e.Text
	switch e.Kind {
	case payment.EntryDecided:
		return t.decision(e)
	case payment.EntryHanded:
		if e.Code == string(payment.ViaWorker) {
			text = handedByWorker
		}
		return text, nil
	case payment.EntryTold, payment.EntryUnreported, payment.EntryReopened:
		return text, []string{strings.TrimSpace(strings.Join([]string{e.By, e.Text, e.Code}, " "))}
	case payment.EntryGivingBack:
		return saidBy(text, e, lang.Digits(e.Code, t.l))
	case payment.EntryGivenBack, payment.EntryKept, payment.EntryBackUnknown, payment.EntryErased:
		return saidBy(text, e)
	case payment.EntryOmitted:
		return text, []string{lang.Digits(e.Code, t.l)}
	}
	if !ok {
		return lang.Text{"%s", "%s"}, []string{e.Kind.String()}
	}
	why, ok := whys[payment.Reason(e.Code)]
	if !ok {
		// Without a reason the line says enough.
		for i := range text {
			text[i] = strings.TrimSuffix(text[i], ": %s")
		}
		return text, nil
	}
	sentence := why.In(t.l)
	if code != "" {
		sentence += " (" + lang.Text{"code", "کد"}.In(t.l) + " " + code + ")"
	}
	return text, []string{sentence}
}

// saidBy adds who and why, or the provider's code, to a line.
func saidBy(text lang.Text, e payment.Entry, values ...string) (lang.Text, []string) {
	if more := strings.TrimSpace(strings.Join([]string{e.By, e.Text}, " ")); more != "" {
		text[0], text[1] = text[0]+" (%s)", text[1]+" (%s)"
		values = append(values, more)
	}
	return text, values
}

func (t *timeline) decision(e payment.Entry) (lang.Text, []string) {
	text, ok := decided[payment.Decision(e.Code)]
	if !ok {
		text = lang.Text{"%s decided", "%s تصمیم گرفت"}
	}
	values := []string{cmp.Or(e.By, lang.Text{"somebody", "یک نفر"}.In(t.l))}
	if e.Text != "" {
		text[0], text[1] = text[0]+": “%s”", text[1]+": «%s»"
		values = append(values, e.Text)
	}
	state, reason, _ := strings.Cut(e.Was, " ")
	if state != "" {
		text[0], text[1] = text[0]+" (before: %s)", text[1]+" (پیش از آن: %s)"
		was := StateName(payment.State(state), t.l)
		if why, ok := whys[payment.Reason(reason)]; ok {
			was += "; " + strings.TrimSuffix(why.In(t.l), ".")
		}
		values = append(values, was)
	}
	return text, values
}
