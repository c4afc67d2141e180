package admin

import (
	"bufio"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/admin/begin"
	"github.com/rahgir/caddy-payments/internal/lang"
)

func (c *cli) initCommand() *cobra.Command {
	cmd := c.leaf("init", "Writes a first Caddyfile for a shop, and an environment file with its keys",
		`
Asks what kind of shop it is, which payment gateway it has and at which address
it is, and writes a commented Caddyfile and payments.env, which only you can
read. A static shop gets two pages if it has none, one in PHP the two helpers; a plugin
that the relay can serve needs neither, only another address.
Without a terminal, and for each flag that is given, nothing is asked.

For an address on this machine, the make-believe gateway is switched on; two
comments say what to remove before customers pay. No file is ever overwritten,
and nothing is written that caddy validate would not accept.

Comments are in the language of --lang, or of the environment (LANG).`,
		exactly(0, "no arguments, only flags"), c.init)
	f := cmd.Flags()
	f.String("shop", "", "Kind of shop: "+strings.Join(begin.Kinds(), ", "))
	f.String("gateway", "", "Payment gateway, as `provider` in the Caddyfile names it")
	f.String("at", "", "The shop's address as browsers see it; default http://localhost:"+strconv.Itoa(begin.DemoPort))
	f.String("root", "", "Directory of the shop's files")
	f.String("return", "", "Path at which customers come back from the bank, with its query if it needs one")
	f.String("php", "", "Where PHP listens, as php_fastcgi takes it; default the socket found here")
	f.String("base-url", "", "The gateway's address, for one that has none of its own")
	f.String("dir", ".", "Directory for the files")
	return c.complete(cmd, among(), completers{
		"shop":    among(begin.Kinds()...),
		"gateway": among(begin.Gateways(false)...),
	})
}

var initTexts = struct{ kind, static, php, plugin, gateway, at, host, root, back, fpm, choose, none, closed, made, next, live, key, helpers, relay lang.Text }{
	kind:    lang.Text{"What kind of shop is it?", "فروشگاه از چه نوعی است؟"},
	static:  lang.Text{"files only, no program", "فقط فایل، بدون برنامه"},
	php:     lang.Text{"a PHP program of your own", "برنامهٔ PHP خودتان"},
	plugin:  lang.Text{"a shop system with a payment plugin, such as WooCommerce", "فروشگاه‌ساز با افزونهٔ پرداخت، مانند ووکامرس"},
	gateway: lang.Text{"Which payment gateway?", "کدام درگاه پرداخت؟"},
	at:      lang.Text{"Its address, as browsers see it", "نشانی فروشگاه، آن‌گونه که مرورگر می‌بیند"},
	host:    lang.Text{"The gateway's own address, such as https://poolam.ir", "نشانی خود درگاه، مانند https://poolam.ir"},
	root:    lang.Text{"Directory of its files", "پوشهٔ فایل‌ها"},
	back:    lang.Text{"Path at which customers come back from the bank", "مسیر بازگشت مشتری از بانک"},
	fpm:     lang.Text{"Where PHP listens", "PHP کجا گوش می‌دهد"},
	choose:  lang.Text{"Choose a number or a name", "شماره یا نام را بنویسید"},
	none:    lang.Text{"%q is none of these.", "%q هیچ‌کدام از این‌ها نیست."},
	closed:  lang.Text{"%s: %s. For a new shop choose another gateway.", "%s: %s. برای فروشگاه تازه درگاه دیگری انتخاب کنید."},
	made:    lang.Text{"Written:", "نوشته شد:"},
	next:    lang.Text{"Check it, then run it:", "بررسی و اجرا:"},
	live:    lang.Text{"It is in the sandbox: no money moves. Before customers pay, remove the two places marked SANDBOX.", "در حالت آزمایشی است و پولی جابه‌جا نمی‌شود. پیش از پرداخت مشتریان، دو جای «آزمایشی» را پاک کنید."},
	key:     lang.Text{"Before customers pay, put the gateway's own value into %s:", "پیش از پرداخت مشتریان، مقدار خود درگاه را در %s بنویسید:"},
	relay:   lang.Text{"In the plugin's code or settings, put this address in place of the gateway's; the secret is in " + begin.EnvName + ". The plugin and " + begin.EnvName + " must have the same account, or the call is refused (docs/relay.md):", "در کد یا تنظیمات افزونه، این نشانی را به‌جای نشانی درگاه بنویسید؛ کلید محرمانه در " + begin.EnvName + " است. حساب درگاه باید در افزونه و در " + begin.EnvName + " یکی باشد، وگرنه فراخوانی پذیرفته نمی‌شود (docs/fa/relay.md):"},
	helpers: lang.Text{"The shop includes the two files in php/: one where it sends customers to the bank, one where they return (docs/php.md, docs/plugins.md).", "فروشگاه دو فایل پوشهٔ php را به کار می‌برد: یکی هنگام فرستادن مشتری به بانک و یکی هنگام بازگشت (docs/fa/php.md)."},
}

// errNoAnswer says that the questions ended too early.
var errNoAnswer = errors.New("no answer")

func (c *cli) init(cmd *cobra.Command, _ []string) error {
	text := func(name string) string {
		v, _ := cmd.Flags().GetString(name)
		return v
	}
	l := c.speaks(cmd)
	shop := begin.Shop{
		Kind: text("shop"), Gateway: text("gateway"), Address: text("at"), Root: text("root"),
		Return: text("return"), FPM: text("php"), BaseURL: text("base-url"), Dir: text("dir"), Lang: l,
	}
	if c.answers {
		if err := c.ask(&shop, l); err != nil {
			return err
		}
	} else if shop.Kind == "" || shop.Gateway == "" {
		return usage("without a terminal, say --shop (%s) and --gateway (%s)", strings.Join(begin.Kinds(), ", "), strings.Join(begin.Gateways(false), ", "))
	}
	if err := shop.Complete(); err != nil {
		return usage("%w", err)
	}
	made, err := shop.Make()
	if err != nil {
		return err
	}
	c.sayInit(shop, made, l)
	return nil
}

// ask asks for what no flag has said. What can't work is said at once, before the next
// question, whether a flag or an answer said it.
func (c *cli) ask(shop *begin.Shop, l lang.Lang) error {
	if err := shop.Vacant(); err != nil {
		return err
	}
	q := questions{in: bufio.NewScanner(c.in), out: c.out, lang: l}
	t := initTexts
	kinds := map[string]lang.Text{begin.Static: t.static, begin.PHP: t.php, begin.Plugin: t.plugin}
	if err := q.choice(t.kind, &shop.Kind, begin.Kinds(), func(kind string) lang.Text { return kinds[kind] }); err != nil {
		return err
	}
	if shop.Gateway != "" {
		if _, err := begin.Needs(shop.Gateway); err != nil {
			return usage("%w", err)
		}
	}
	if err := q.choice(t.gateway, &shop.Gateway, begin.Gateways(shop.Kind == begin.Static), begin.Explain); err != nil {
		return err
	}
	if err := q.text(t.at, &shop.Address, "http://localhost:"+strconv.Itoa(begin.DemoPort), begin.CheckAddress); err != nil {
		return err
	}
	if shop.WantsHost() {
		if err := q.text(t.host, &shop.BaseURL, "", begin.CheckHost); err != nil {
			return err
		}
	}
	if err := q.text(t.root, &shop.Root, begin.DefaultRoot(shop.Kind), begin.CheckText); err != nil || shop.Kind == begin.Static {
		return err
	}
	if err := q.text(t.back, &shop.Return, begin.DefaultReturn(shop.Kind, shop.Gateway), begin.CheckReturn); err != nil {
		return err
	}
	return q.text(t.fpm, &shop.FPM, begin.DefaultFPM(), begin.CheckText)
}

func (c *cli) sayInit(shop begin.Shop, made begin.Made, l lang.Lang) {
	t := initTexts
	fmt.Fprintf(c.out, "\n%s\n", t.made.In(l))
	for _, name := range made.Files {
		fmt.Fprintf(c.out, "  %s\n", name)
	}
	flags := fmt.Sprintf("--config %s --envfile %s", made.Files[0], made.Files[1])
	p := begin.Program()
	fmt.Fprintf(c.out, "\n%s\n  %s validate %s\n  %s run %s\n  %s/\n", t.next.In(l), p, flags, p, flags, shop.Address)
	switch {
	case shop.Relayed():
		fmt.Fprintf(c.out, "\n%s\n  %s/-/pay/<%s>/%s\n", t.relay.In(l), shop.Address, begin.RelayName, shop.Gateway)
	case shop.Kind != begin.Static:
		fmt.Fprintf(c.out, "\n%s\n", t.helpers.In(l))
	}
	if closed, ok := begin.Closed(shop.Gateway); ok {
		fmt.Fprintf(c.out, "\n"+t.closed.In(l)+"\n", shop.Gateway, closed.In(l))
	}
	if made.Sandbox != 0 {
		fmt.Fprintf(c.out, "\n%s\n", t.live.In(l))
	}
	if len(made.Keys) > 0 {
		fmt.Fprintf(c.out, "\n"+t.key.In(l)+"\n  %s\n", begin.EnvName, strings.Join(made.Keys, "\n  "))
	}
}
