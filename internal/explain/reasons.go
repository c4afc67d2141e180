package explain

import (
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// whys has one sentence for every reason; a test lists them all.
var whys = map[payment.Reason]lang.Text{
	payment.ReasonNotPaid:      {"The provider says that nothing was paid.", "درگاه می‌گوید چیزی پرداخت نشده است."},
	payment.ReasonCancelled:    {"The payment was cancelled or failed on the bank's page.", "پرداخت در صفحهٔ بانک لغو شد یا ناموفق بود."},
	payment.ReasonUnknownID:    {"The provider does not know this payment id.", "درگاه چنین شناسهٔ پرداختی را نمی‌شناسد."},
	payment.ReasonWindowClosed: {"It was paid, but not confirmed before the provider's time limit.", "پرداخت شد، ولی پیش از پایان مهلت درگاه تأیید نشد."},
	payment.ReasonOrderPaid:    {"This order was already paid by another payment, so this one was not taken.", "این سفارش با پرداخت دیگری پرداخت شده بود؛ این پرداخت گرفته نشد."},
	payment.ReasonReturned:     {"The provider says that it gave the money back to the payer.", "درگاه می‌گوید پول را به پرداخت‌کننده برگردانده است."},
	payment.ReasonDismissed:    {"A person decided not to give the order for this payment.", "یک نفر تصمیم گرفت سفارش این پرداخت داده نشود."},
	payment.ReasonOwed:         {"A person decided not to give the order; its money is with you, and owed to the payer.", "یک نفر تصمیم گرفت سفارش داده نشود؛ پول آن پیش شماست و به پرداخت‌کننده بدهکارید."},
	payment.ReasonUnknownOrder: {"The shop says that it has no such order, so the provider was not asked.", "فروشگاه می‌گوید چنین سفارشی ندارد؛ پس از درگاه پرسیده نشد."},

	payment.ReasonUnannounced: {"A customer came back as if from paying, and nothing had announced this payment: the shop's redirect to the bank carried no X-Payment-Order, or did not pass through here.", "مشتری‌ای چنان برگشت که گویی پرداخته است و هیچ‌چیز این پرداخت را پیش‌تر اعلام نکرده بود: هدایتِ فروشگاه به بانک X-Payment-Order نداشت یا از اینجا نگذشت."},
	payment.ReasonUnusable:    {"The shop announced this payment in a form that can't be used: look at its X-Payment headers.", "فروشگاه این پرداخت را به شکلی اعلام کرد که به کار نمی‌آید: هدرهای X-Payment آن را ببینید."},
	payment.ReasonPaidBefore:  {"The shop announced a payment of an order that was paid already; it will be taken for a second payment.", "فروشگاه برای سفارشی که پرداخت شده بود پرداخت دیگری اعلام کرد؛ پرداخت دوم به شمار خواهد آمد."},
	payment.ReasonStray:       {"A request looked like a return from this provider, and no verify route of the site takes it.", "درخواستی شبیه بازگشت از این درگاه رسید و هیچ مسیر verify سایت آن را نمی‌گیرد."},
	payment.ReasonForeign:     {"The payment id belongs to another order, site or route.", "این شناسهٔ پرداخت از آنِ سفارش، سایت یا مسیر دیگری است."},
	payment.ReasonCalledPaid:  {"The shop says that this order is paid already, so the provider was not asked.", "فروشگاه می‌گوید این سفارش پیش‌تر پرداخت شده است؛ پس از درگاه پرسیده نشد."},
	payment.ReasonNoReturn:    {"It was announced without a usable return address: if its customer does not come back, nobody hands it over by itself.", "بی نشانی بازگشتِ به‌کارآمدنی اعلام شد: اگر مشتری برنگردد، خودبه‌خود به فروشگاه سپرده نمی‌شود."},
	payment.ReasonUnclaimed:   {"The provider says that it is paid; its customer has not come back, and without a return address it can't be handed over.", "درگاه می‌گوید پرداخت شده است؛ مشتری برنگشته و بی نشانی بازگشت نمی‌شود آن را به فروشگاه سپرد."},

	payment.ReasonNoAnswer:   {"The provider did not answer; it is being asked again.", "درگاه پاسخ نداد؛ دوباره از آن پرسیده می‌شود."},
	payment.ReasonBadAnswer:  {"The provider's answer could not be read; it is being asked again.", "پاسخ درگاه خوانا نبود؛ دوباره از آن پرسیده می‌شود."},
	payment.ReasonBusy:       {"The provider is busy and asked to come later.", "درگاه شلوغ است و گفته بعداً پرسیده شود."},
	payment.ReasonOperator:   {"The provider refuses our settings: a wrong key, or an unregistered address or domain.", "درگاه تنظیمات ما را نمی‌پذیرد: کلید نادرست است یا نشانی ثبت نشده است."},
	payment.ReasonNoAccount:  {"It was begun with an account that no provider block has now, so nobody can be asked; what another account says means nothing.", "با حسابی آغاز شده که اکنون در هیچ بلوک درگاهی نیست؛ پس از کسی نمی‌شود پرسید، و پاسخ حساب دیگر معنایی ندارد."},
	payment.ReasonWaiting:    {"It is recorded and waits for its turn to be asked about.", "ثبت شده و در نوبت پرسش از درگاه است."},
	payment.ReasonProcessing: {"The provider says that it is still settling this payment.", "درگاه می‌گوید این پرداخت هنوز در حال پردازش است."},

	payment.ReasonAmount:          {"The amount that the provider reports is not the amount of the order.", "مبلغی که درگاه می‌گوید با مبلغ سفارش یکی نیست."},
	payment.ReasonTenfold:         {"The amounts differ by a factor of exactly ten: somewhere rial and toman were mixed up.", "دو مبلغ درست ده برابر با هم فرق دارند: جایی ریال و تومان جابه‌جا شده است."},
	payment.ReasonThousandfold:    {"The amounts differ by a factor of exactly 1,000: somewhere toman and the new rial were mixed up, or thousands were left out.", "دو مبلغ درست هزار برابر با هم فرق دارند: جایی تومان و ریال جدید جابه‌جا شده، یا سه صفر جا افتاده است."},
	payment.ReasonTenThousandfold: {"The amounts differ by a factor of exactly 10,000: somewhere the rial and the new rial were mixed up.", "دو مبلغ درست ده‌هزار برابر با هم فرق دارند: جایی ریال و ریال جدید جابه‌جا شده است."},
	payment.ReasonOrderDiffers:    {"The provider's receipt is for another order.", "رسید درگاه برای سفارش دیگری است."},
	payment.ReasonIDDiffers:       {"The provider's receipt is for another payment id.", "رسید درگاه برای شناسهٔ پرداخت دیگری است."},
	payment.ReasonReceiptUsed:     {"This receipt has already paid for something.", "این رسید پیش‌تر برای چیز دیگری خرج شده است."},
	payment.ReasonSecondPayment:   {"This order is already paid: this is a second payment for it.", "این سفارش قبلاً پرداخت شده و این پرداخت دوم آن است."},
	payment.ReasonUnexplained:     {"The provider says that it was confirmed before, and nothing here explains who did it.", "درگاه می‌گوید این پرداخت قبلاً تأیید شده است و اینجا چیزی نشان نمی‌دهد چه کسی آن را تأیید کرده."},
	payment.ReasonAfterSilence:    {"The provider refused it, but an earlier question stayed without an answer and may have confirmed it.", "درگاه آن را رد کرد، ولی پرسش پیشین بی‌پاسخ مانده بود و شاید همان، پرداخت را تأیید کرده باشد."},
	payment.ReasonLate:            {"It was paid after the signed price had expired.", "پس از پایان اعتبار قیمتِ امضاشده پرداخت شده است."},
	payment.ReasonNeverAnswered:   {"The provider was asked for three days and never gave an answer.", "سه روز از درگاه پرسیده شد و پاسخی نداد."},
	payment.ReasonBinding:         {"The customer's return named another order in one of the shop's own parameters.", "نشانی بازگشت مشتری در یکی از پارامترهای فروشگاه سفارش دیگری را نام برده بود."},
	payment.ReasonUnrecognised:    {"The provider's answer claims success in a form that is not known here.", "پاسخ درگاه به شکلی ناشناخته از موفقیت می‌گوید."},
	payment.ReasonOldGeneration:   {"Only records that were lost could tell whether this receipt was used before.", "فقط سابقه‌ای که از دست رفته می‌توانست بگوید این رسید قبلاً خرج شده یا نه."},
	payment.ReasonFee:             {"More was paid than the price and the documented fee.", "بیش از قیمت و کارمزدِ اعلام‌شده پرداخت شده است."},
	payment.ReasonUnboundReceipt:  {"Nothing in the provider's answer ties this payment to the order.", "هیچ چیز در پاسخ درگاه این پرداخت را به سفارش وصل نمی‌کند."},
	payment.ReasonSandbox:         {"It was paid in the provider's sandbox, where no money moves, and the provider is live now.", "در محیط آزمایشی درگاه پرداخت شد که پولی جابه‌جا نمی‌شود، و درگاه اکنون واقعی است."},
	payment.ReasonNoProof:         {"It is paid, but the shop gave no proof that it noted the payment: with `ack header` it calls payment_ack($receipt) after it has credited.", "پرداخت شده، ولی فروشگاه نشانه‌ای نداد که آن را ثبت کرده است: با `ack header` پس از ثبت payment_ack($receipt) را صدا می‌زند."},
	payment.ReasonOwnerDied:       {"It is paid, but telling the shop was cut off half-way and may have arrived.", "پرداخت شده، ولی خبر دادن به فروشگاه نیمه‌کاره قطع شد و شاید رسیده باشد."},
	payment.ReasonAbsent:          {"It is paid, but the customer left before the shop could be told.", "پرداخت شده، ولی مشتری پیش از خبر دادن به فروشگاه رفته است."},
	payment.ReasonNoRoute:         {"It is paid, but no site of the running configuration takes its return.", "پرداخت شده، ولی هیچ سایتی در پیکربندی کنونی بازگشت آن را نمی‌پذیرد."},
	payment.ReasonUnreachable:     {"It is paid, but the shop could not be reached.", "پرداخت شده، ولی به فروشگاه دسترسی نبود."},
	payment.ReasonGated:           {"It is paid, but its return lies behind paid content that it does not open: change the paths of require or verify.", "پرداخت شده، ولی مسیر بازگشت پشت محتوای پولی‌ای است که این پرداخت آن را باز نمی‌کند: مسیر require یا verify را عوض کنید."},
	payment.ReasonGaveUp:          {"It is paid; the shop was told for three days and never confirmed.", "پرداخت شده؛ سه روز به فروشگاه خبر داده شد و تأیید نکرد."},
	payment.ReasonShopRefused:     {"It is paid, and the shop answered that it does not take the payment: look at the order in the shop.", "پرداخت شده، ولی فروشگاه پاسخ داد که این پرداخت را نمی‌پذیرد: سفارش را در فروشگاه ببینید."},

	payment.ReasonElsewhere:    {"The shop asked, and the provider said \"already verified\" at once: something else verifies this account's payments, such as auto_verify or another server. The shop was not held up.", "فروشگاه پرسید و درگاه همان بار نخست گفت «پیش‌تر تأیید شده»: چیز دیگری پرداخت‌های این حساب را تأیید می‌کند، مانند auto_verify یا سروری دیگر. کار فروشگاه معطل نماند."},
	payment.ReasonHeardNoAck:   {"It is paid and the shop has heard so, but its page gave no sign that it credited: look at the order in the shop.", "پرداخت شده و فروشگاه آن را شنیده، ولی صفحه‌اش نشانه‌ای از ثبت نداد: سفارش را در فروشگاه ببینید."},
	payment.ReasonTold:         {"It is paid; we were interrupted while we told the shop, which may have heard it: look at the order in the shop.", "پرداخت شده؛ هنگام خبر دادن به فروشگاه کارمان قطع شد و شاید شنیده باشد: سفارش را در فروشگاه ببینید."},
	payment.ReasonNeedsSession: {"It is paid, and the shop's plugin asks only while its customer is there, who has gone: complete the order by hand.", "پرداخت شده و افزونهٔ فروشگاه تنها در حضور مشتری می‌پرسد، که رفته است: سفارش را دستی کامل کنید."},
	payment.ReasonGiveBack:     {"The shop asked for the money to be sent back, and the answer is not known: look at the provider's panel.", "فروشگاه خواست پول برگردد و پاسخ معلوم نیست: پنل درگاه را ببینید."},
}

// unreasoned is the sentence of a state that stands without a reason.
var unreasoned = map[payment.State]lang.Text{
	payment.Created:    {"The payment was started and is not known to be paid so far: its customer is at the bank, or came back without paying.", "پرداخت آغاز شده و تا جایی که معلوم است هنوز پرداخت نشده: مشتری در بانک است، یا بی‌آنکه بپردازد برگشته است."},
	payment.Verifying:  {"The provider is being asked right now.", "همین حالا از درگاه پرسیده می‌شود."},
	payment.Unknown:    {"The provider was asked and no answer can be believed yet.", "از درگاه پرسیده شده و هنوز پاسخ قابل اعتمادی نرسیده است."},
	payment.Verified:   {"It is paid and about to be handed to the shop.", "پرداخت شده و به‌زودی به فروشگاه سپرده می‌شود."},
	payment.Delivering: {"It is paid and the shop is being told.", "پرداخت شده و به فروشگاه خبر داده می‌شود."},
	payment.Delivered:  {"It is paid and the shop has it.", "پرداخت شده و فروشگاه آن را ثبت کرده است."},
	payment.Parked:     {"It is paid; a person must look whether the shop has it.", "پرداخت شده؛ یک نفر باید ببیند فروشگاه آن را ثبت کرده یا نه."},
	payment.Declined:   {"The provider said that it is not paid.", "درگاه گفت پرداخت نشده است."},
	payment.Review:     {"The provider's answer cannot be credited without a person.", "پاسخ درگاه را بدون نظر یک نفر نمی‌شود پذیرفت."},
	payment.Expired:    {"The provider's time limit is over and the money was not taken.", "مهلت درگاه گذشته و پول گرفته نشده است."},
	payment.Reversed:   {"The money went back to the payer.", "پول به پرداخت‌کننده برگشته است."},
}

var stateNames = map[payment.State]lang.Text{
	payment.Created:    {"started", "آغازشده"},
	payment.Verifying:  {"being asked", "در حال پرسش"},
	payment.Unknown:    {"no answer yet", "بی‌پاسخ"},
	payment.Verified:   {"paid", "پرداخت‌شده"},
	payment.Delivering: {"being handed over", "در حال تحویل"},
	payment.Delivered:  {"done", "انجام‌شده"},
	payment.Parked:     {"paid, shop unsure", "نامشخص در فروشگاه"},
	payment.Declined:   {"not paid", "پرداخت‌نشده"},
	payment.Review:     {"needs a person", "نیازمند بررسی"},
	payment.Expired:    {"expired", "مهلت‌گذشته"},
	payment.Reversed:   {"given back", "برگشت‌خورده"},
}

// StateName returns a state in people's words.
func StateName(s payment.State, l lang.Lang) string { return stateNames[s].In(l) }

// why returns the one sentence.
func why(r *payment.Record, l lang.Lang) string {
	// What kept it from its shop is over once its money went back.
	gone := r.State == payment.Reversed && r.Reason != payment.ReasonReturned
	if t, ok := whys[r.Reason]; ok && !gone {
		return t.In(l)
	}
	if r.State == payment.Expired && r.Attempts.Count == 0 {
		return lang.Text{"Nobody paid it within a day.", "تا یک روز کسی آن را پرداخت نکرد."}.In(l)
	}
	return unreasoned[r.State].In(l)
}
