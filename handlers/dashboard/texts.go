package dashboard

import "github.com/rahgir/caddy-payments/internal/explain"

type text struct{ en, fa string }

func (t text) in(l explain.Lang) string {
	if l == explain.FA {
		return t.fa
	}
	return t.en
}

// texts are the pages' own words; what is said about a payment is explain's.
var texts = map[string]text{
	"title":  {"Payments", "پرداخت‌ها"},
	"other":  {"فارسی", "English"},
	"signed": {"signed in as", "کاربر"},
	"back":   {"All payments", "همهٔ پرداخت‌ها"},

	"tab_attention": {"Needs you", "منتظر شما"},
	"tab_open":      {"In progress", "در جریان"},
	"tab_done":      {"Done", "انجام‌شده"},
	"tab_unpaid":    {"Not paid", "پرداخت‌نشده"},
	"tab_reversed":  {"Given back", "برگشت‌خورده"},
	"tab_affiliate": {"Affiliate reports", "گزارش همکاری"},
	"tab_all":       {"All", "همه"},

	"search":        {"Order, id or reference", "سفارش، شناسه یا کد پیگیری"},
	"search_button": {"Search", "جست‌وجو"},
	"search_clear":  {"Clear the search", "پاک کردن جست‌وجو"},
	"provider":      {"Provider", "ارائه‌دهنده"},
	"any":           {"all providers", "همهٔ ارائه‌دهنده‌ها"},
	"order":         {"order", "سفارش"},
	"ago":           {"ago", "پیش"},
	"older":         {"Older", "قدیمی‌تر"},
	"newest":        {"Back to the newest", "بازگشت به تازه‌ترین‌ها"},
	"none_attention": {"Nothing waits for you.",
		"چیزی منتظر شما نیست."},
	"none":      {"No payments here.", "پرداختی اینجا نیست."},
	"none_more": {"Older payments may match; look on.", "شاید پرداخت‌های قدیمی‌تری باشد؛ ادامه دهید."},
	"sandbox":   {"test", "آزمایشی"},

	"money":     {"Is the money with me?", "پول پیش من است؟"},
	"asked":     {"Asked", "مبلغ سفارش"},
	"found":     {"Found", "مبلغ پرداخت"},
	"nothing":   {"not known", "نامعلوم"},
	"deadline":  {"Deadline", "مهلت"},
	"next":      {"What to do", "چه کنم؟"},
	"panel":     {"Search for these in the provider's panel", "این‌ها را در پنل ارائه‌دهنده جست‌وجو کنید"},
	"facts":     {"Details", "جزئیات"},
	"affiliate": {"Affiliate", "همکاری در فروش"},
	"decide":    {"Decide", "تصمیم"},
	"note":      {"Why? It is kept with your name.", "چرا؟ با نام شما نگه داشته می‌شود."},
	"sure":      {"I have looked.", "نگاه کرده‌ام."},
	"final":     {"This can't be undone.", "این کار برگشت ندارد."},
	"blocked":   {"Not possible now:", "اکنون شدنی نیست:"},
	"history":   {"History", "تاریخچه"},

	"note_missing": {"Write why: the note is kept with the payment.", "بنویسید چرا: یادداشت همراه پرداخت نگه داشته می‌شود."},
	"sure_missing": {"Look first, then confirm that you have looked.", "اول نگاه کنید، بعد تأیید کنید که نگاه کرده‌اید."},
	"changed":      {"Somebody else decided, or the payment moved on meanwhile. Nothing was done; this is how it stands now.", "در این میان کس دیگری تصمیم گرفت یا وضع پرداخت عوض شد. کاری انجام نشد؛ وضع کنونی این است."},
	"not_possible": {"This is not possible for the payment as it stands. Nothing was done.", "با وضع کنونی پرداخت این کار شدنی نیست. کاری انجام نشد."},

	"done_give":     {"Accepted. The order is being handed to the shop.", "پذیرفته شد. سفارش به فروشگاه سپرده می‌شود."},
	"done_refuse":   {"Closed without an order.", "بدون سفارش بسته شد."},
	"done_has":      {"Noted: the shop has it.", "ثبت شد: فروشگاه آن را دارد."},
	"done_again":    {"It was handed to the shop again; this is how it stands now.", "دوباره به فروشگاه سپرده شد؛ وضع کنونی این است."},
	"done_reversed": {"Noted: the money went back.", "ثبت شد: پول برگشته است."},
	"done_verify":   {"The provider was asked; this is how it stands now.", "از ارائه‌دهنده پرسیده شد؛ وضع کنونی این است."},
	"done_report":   {"It is being reported again.", "دوباره گزارش می‌شود."},

	"login_title": {"Sign in first", "نخست وارد شوید"},
	"login_text": {"This page serves authenticated users only. Put an authenticating handler before it, for example:",
		"این صفحه فقط به کسی نشان داده می‌شود که Caddy او را شناخته باشد. پیش از آن یک دستور ورود بگذارید، برای نمونه:"},
	"method_title":  {"This page can't be used like that", "این صفحه را این‌گونه نمی‌شود به کار برد"},
	"unknown_title": {"There is no such payment", "چنین پرداختی نیست"},
	"unknown_text":  {"The address is incomplete, or the payment belongs to another site.", "نشانی کامل نیست، یا پرداخت برای سایت دیگری است."},
	"form_title":    {"Nothing was done", "کاری انجام نشد"},
	"form_text":     {"The form is too old, or it was not sent from this page. Open the payment again and decide there.", "فرم قدیمی است یا از این صفحه فرستاده نشده است. پرداخت را دوباره باز کنید و همان‌جا تصمیم بگیرید."},
	"store_title":   {"Not available just now", "اکنون در دسترس نیست"},
	"store_text":    {"The payments store does not answer. Nothing is lost; try again in a moment.", "بایگانی پرداخت‌ها پاسخ نمی‌دهد. چیزی از دست نرفته است؛ کمی بعد دوباره امتحان کنید."},
	"error_title":   {"Something went wrong", "خطایی پیش آمد"},
	"error_text":    {"The server's log says what. Look at the payment again before you repeat anything.", "گزارش سرور می‌گوید چه شده است. پیش از تکرار هر کاری، پرداخت را دوباره ببینید."},
}
