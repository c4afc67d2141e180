package sandbox

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// idpayRecord returns the body of a successful verify. Every scalar is a string, as
// in the provider's sample; the fault strings_as_numbers gives the other shape.
func (p *payment) idpayRecord(status string) object {
	return object{
		{"status", status},
		{"track_id", p.trackID},
		{"id", p.id},
		{"order_id", p.order},
		{"amount", rials(p.amount)},
		{"date", unix(p.created)},
		{"payment", p.idpayPayment()},
		{"verify", object{{"date", unix(p.verified)}}},
	}
}

// idpayInquiryRecord returns what inquiry and list say. What has not happened yet
// is an empty string, as the provider's sample has it for settlement.
func (p *payment) idpayInquiryRecord() object {
	by := "payee"
	if p.feeType == "buyer" {
		by = "payer"
	}
	settlement := object{{"track_id", ""}, {"amount", ""}, {"date", ""}}
	if p.state == StateSettled {
		settlement = object{{"track_id", p.bankRef}, {"amount", rials(p.settled)}, {"date", unix(p.settledAt)}}
	}
	return object{
		{"status", p.idpayStatus()},
		{"track_id", p.trackID},
		{"id", p.id},
		{"order_id", p.order},
		{"amount", rials(p.amount)},
		{"wage", object{{"by", by}, {"type", "amount"}, {"amount", rials(p.fee)}}},
		{"date", unix(p.created)},
		{"payer", object{{"name", p.payer[0]}, {"phone", p.payer[1]}, {"mail", p.payer[2]}, {"desc", p.payer[3]}}},
		{"payment", p.idpayPayment()},
		{"verify", object{{"date", unix(p.verified)}}},
		{"settlement", settlement},
	}
}

func (p *payment) idpayPayment() object {
	ref, card, hashed := p.bankRef, p.card, p.hashedCard
	if p.paid.IsZero() {
		ref, card, hashed = "", "", ""
	}
	return object{
		{"track_id", ref}, {"amount", rials(p.payable())}, {"card_no", card}, {"hashed_card_no", hashed}, {"date", unix(p.paid)},
	}
}

// idpayStates are the numbers that IDPay's status table gives to states; others are 1.
var idpayStates = map[string]string{
	StateDeclined: "2", StateRefunded: "5", StateReversed: "6", StateCancelled: "7", StateOpened: "8",
	StatePaid: "10", StateVerified: "100", StateSettled: "200",
}

func (p *payment) idpayStatus() string { return cmp.Or(idpayStates[p.state], "1") }

func rials(n int64) string { return strconv.FormatInt(n, 10) }

func unix(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.Unix(), 10)
}

// idpayErrors is the provider's table: HTTP status and text. {} is filled in.
var idpayErrors = map[string]struct {
	http int
	text string
}{
	"-1": {500, "خطای غیرمنتظره رخ داده است."},
	"11": {403, "کاربر مسدود شده است."},
	"12": {403, "API Key یافت نشد."},
	"13": {403, "درخواست شما از {} ارسال شده است. این IP با IP های ثبت شده در وب سرویس همخوانی ندارد."},
	"14": {403, "وب سرویس شما در حال بررسی است و یا تایید نشده است."},
	"15": {500, "سرویس مورد نظر در دسترس نمی باشد."},
	"21": {403, "حساب بانکی متصل به وب سرویس تایید نشده است."},
	"22": {404, "وب سرویس یافت نشد."},
	"23": {401, "اعتبار سنجی وب سرویس ناموفق بود."},
	"24": {403, "حساب بانکی مرتبط با این وب سرویس غیر فعال شده است."},
	"31": {406, "کد تراکنش `id` نباید خالی باشد."},
	"32": {406, "شماره سفارش `order_id` نباید خالی باشد."},
	"33": {406, "مبلغ `amount` نباید خالی باشد."},
	"34": {406, "مبلغ `amount` باید بیشتر از {} ریال باشد."},
	"35": {406, "مبلغ `amount` باید کمتر از {} ریال باشد."},
	"36": {406, "مبلغ `amount` بیشتر از حد مجاز است."},
	"37": {406, "آدرس بازگشت `callback` نباید خالی باشد."},
	"38": {406, "دامنه آدرس بازگشت `callback` ({}) با آدرس ثبت شده در وب سرویس همخوانی ندارد."},
	"39": {406, "آدرس بازگشت `callback` نامعتبر است."},
	"41": {406, "فیلتر وضعیت تراکنش ها می بایست آرایه ای (لیستی) از وضعیت های مجاز در مستندات باشد."},
	"42": {406, "فیلتر تاریخ پرداخت می بایست آرایه ای شامل المنت های min و max از نوع timestamp باشد."},
	"43": {406, "فیلتر تاریخ تسویه می بایست آرایه ای شامل المنت های min و max از نوع timestamp باشد."},
	"44": {406, "فیلتر تراکنش صحیح نمی باشد."},
	"51": {405, "تراکنش ایجاد نشد."},
	"52": {400, "استعلام نتیجه ای نداشت."},
	"53": {405, "تایید پرداخت امکان پذیر نیست."},
	"54": {405, "مدت زمان تایید پرداخت سپری شده است."},
}

// idpayError answers with a code of the table; one that is not there is
// answered like -1.
func idpayError(code string, with ...string) answer {
	e, ok := idpayErrors[code]
	if !ok {
		code, e = "-1", idpayErrors["-1"]
	}
	n, err := strconv.Atoi(code)
	if err != nil {
		return page(http.StatusInternalServerError, "500 Internal Server Error")
	}
	return reply(e.http, object{
		{"error_code", n},
		{"error_message", strings.Replace(e.text, "{}", strings.Join(with, " "), 1)},
	})
}
