package begin

import "github.com/rahgir/caddy-payments/internal/lang"

// The comments of what init writes: English, Persian.
var (
	envHead = lang.Text{
		"The environment of Caddy's process. It holds secrets: only its owner may read it.\nsystemd reads it with EnvironmentFile=, `caddy run` with --envfile.",
		"محیط پروسهٔ Caddy. کلید محرمانه دارد: فقط صاحبش باید بتواند آن را بخواند.\nsystemd با EnvironmentFile= و `caddy run` با --envfile آن را می‌خواند.",
	}
	signingNote = lang.Text{
		"Made for this shop, once. Keep it: with another key, receipts and cookies that\nare under way are refused.",
		"یک بار برای این فروشگاه ساخته شد. نگهش دارید: با کلید دیگر، رسیدها و کوکی‌های در راه\nپذیرفته نمی‌شوند.",
	}
	receiptNote = lang.Text{
		"Derived from it (caddy payments keys). The shop checks receipts with it.",
		"از کلید بالا به دست آمده است (caddy payments keys). فروشگاه رسید را با آن می‌سنجد.",
	}
	signingLine = lang.Text{
		"What Caddy signs receipts with.",
		"کلیدی که Caddy رسیدها را با آن امضا می‌کند.",
	}
	triedLine = lang.Text{
		"SANDBOX: no money moves. Remove this line before customers pay.",
		"آزمایشی: پولی جابه‌جا نمی‌شود. پیش از پرداخت مشتریان این خط را پاک کنید.",
	}
	tryLine = lang.Text{
		"SANDBOX: to try it without money, take the # away here and at the end.",
		"آزمایشی: برای آزمودن بی‌پول، # را اینجا و در پایان فایل بردارید.",
	}
	triedSite = lang.Text{
		"SANDBOX: the make-believe gateway and its bank. Remove it with the line above.",
		"آزمایشی: درگاه ساختگی و بانکش. همراه خط بالا پاکش کنید.",
	}
	trySite = lang.Text{
		"SANDBOX: the make-believe gateway and its bank. Only browsers on this machine\nreach it (from elsewhere: ssh -L).",
		"آزمایشی: درگاه ساختگی و بانکش. فقط مرورگر همین دستگاه به آن می‌رسد\n(از جای دیگر: ssh -L).",
	}
	goLiveBase = lang.Text{
		"The gateway's own address, for when customers pay.",
		"نشانی خود درگاه، برای وقتی که مشتریان می‌پردازند.",
	}
	itemsNote = lang.Text{
		"What is sold, and for how much. A link to /buy/sample is the Buy button.",
		"چه چیزی و به چه قیمتی. پیوند به /buy/sample دکمهٔ خرید است.",
	}
	thanksNote = lang.Text{
		"Where customers come back: this page is shown to visitors who have paid.",
		"جایی که مشتری برمی‌گردد: این صفحه را فقط کسی می‌بیند که پرداخته است.",
	}
	verifyNote = lang.Text{
		"Where customers come back from the bank. The gateway is asked first; only\nwhat it confirms reaches the shop.",
		"جایی که مشتری از بانک برمی‌گردد. نخست از درگاه پرسیده می‌شود؛ فقط آنچه\nتأیید کند به فروشگاه می‌رسد.",
	}
	expectNote = lang.Text{
		"The shop announces each payment: X-Payment-Order and X-Payment-Amount (rials)\non its redirect to the bank; payment-announce.php does it.",
		"فروشگاه هر پرداخت را اعلام می‌کند: X-Payment-Order و X-Payment-Amount (ریال)\nروی هدایت به بانک؛ payment-announce.php این کار را می‌کند.",
	}
	ackNote = lang.Text{
		"The shop credits once per receipt and says so: payment_ack($receipt).",
		"فروشگاه هر رسید را یک بار ثبت می‌کند و خبر می‌دهد: payment_ack($receipt).",
	}
	declinedNote = lang.Text{
		"The shop system fails the order itself, and its stock comes back.",
		"خود فروشگاه‌ساز سفارش ناموفق را می‌بندد و موجودی برمی‌گردد.",
	}
	returnNote = lang.Text{
		"The plugin's return address.",
		"نشانی بازگشت افزونه.",
	}
	relayNote = lang.Text{
		"The gateway's own API, for the plugin. In the plugin, this site's address with\nthis path and the gateway's name stands in place of the gateway's address.",
		"API خود درگاه، برای افزونه. در افزونه، نشانی همین سایت با این مسیر و نام درگاه\nبه‌جای نشانی درگاه نوشته می‌شود.",
	}
	observeNote = lang.Text{
		"Where the plugin's customers come back. They reach the shop as before.",
		"جایی که مشتری‌های افزونه برمی‌گردند. مثل پیش به فروشگاه می‌رسند.",
	}
	refusedNote = lang.Text{
		"The redirects by which this shop system says that it does not take a payment.",
		"هدایت‌هایی که این فروشگاه‌ساز با آن‌ها می‌گوید پرداخت را نمی‌پذیرد.",
	}
	relaySecretNote = lang.Text{
		"The secret part of the relay's path: whoever knows it may call the gateway as the\nshop.",
		"بخش محرمانهٔ مسیر رله: هر کس آن را بداند می‌تواند به‌جای فروشگاه با درگاه حرف بزند.",
	}
	fpmNote = lang.Text{
		"PHP. Caddy's user must be able to open the socket: `usermod -aG www-data caddy`.",
		"PHP. کاربر Caddy باید بتواند سوکت را باز کند: `usermod -aG www-data caddy`.",
	}
)
