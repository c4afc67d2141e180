package admin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/admin/begin"
	"github.com/rahgir/caddy-payments/internal/lang"
)

func (c *cli) demoCommand() *cobra.Command {
	cmd := c.leaf("demo", "Runs the demo shop: a shop, make-believe banks and the dashboard, out of this program",
		`
Runs the demo shop until Ctrl+C. It needs no file and no key, moves no money
and keeps nothing: the shop, the make-believe providers and the ledger are in a
temporary directory, which is removed at the end.

Its ports are 9100 to 9102 or, where one of them is taken, the next free ones;
what is printed says which. It answers this machine only. In a container whose
ports are published on the loopback address, use --remote.`,
		exactly(0, "no arguments, only flags"), c.demo)
	cmd.Flags().Int("port", begin.DemoPort, "Port of the shop; the sandbox and the dashboard have the next two")
	cmd.Flags().Bool("remote", false, "Answer other machines too: they can pay in the sandbox")
	cmd.Flags().BoolP("verbose", "v", false, "Print Caddy's own messages too")
	return c.complete(cmd, among(), nil)
}

// speaks is the language to print in: that of --lang, else the environment's.
func (c *cli) speaks(cmd *cobra.Command) lang.Lang {
	if f := cmd.Flag("lang"); f != nil && f.Changed {
		return c.language()
	}
	return begin.Reader()
}

func (c *cli) demo(cmd *cobra.Command, _ []string) error {
	var d begin.Demo
	first, _ := cmd.Flags().GetInt("port")
	d.Remote, _ = cmd.Flags().GetBool("remote")
	d.Verbose, _ = cmd.Flags().GetBool("verbose")
	if first < 1 || first > 65533 {
		return usage("--port must be from 1 to 65533")
	}
	var err error
	if d.Port, err = begin.FreePorts(first, 3); err != nil {
		return err
	}
	if cmd.Flag("port").Changed && d.Port != first {
		return fmt.Errorf("the ports %d to %d are not all free; without --port free ones are looked for", first, first+2)
	}
	if d.Admin, err = demoAdmin(c.address); err != nil {
		return err
	}
	if d.Dir, err = os.MkdirTemp("", "payments-demo-"); err != nil {
		return fmt.Errorf("making a directory for the demo: %w", err)
	}
	remove := func(context.Context) { _ = os.RemoveAll(d.Dir) }
	caddy.OnExit(remove)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	config, err := d.Config()
	if err == nil {
		err = caddy.Load(config, true)
	}
	if err != nil {
		_ = caddy.Stop()
		remove(context.Background())
		return fmt.Errorf("starting the demo: %w", err)
	}
	c.sayDemo(d, c.speaks(cmd))
	<-signals
	return endDemo(d.Admin, remove)
}

// endDemo ends the process as `caddy stop` does, which closes the ledger before its
// directory is removed. Further signals are ignored meanwhile: Caddy itself would
// quit at the second and leave the directory.
func endDemo(admin string, remove func(context.Context)) error {
	resp, err := caddycmd.AdminAPIRequest(admin, http.MethodPost, "/stop", nil, nil)
	if err == nil {
		_ = resp.Body.Close()
		time.Sleep(demoEnd)
		err = errors.New("Caddy does not end")
	}
	remove(context.Background())
	return fmt.Errorf("ending the demo: %w", err)
}

// demoEnd is how long the demo may take to end.
const demoEnd = 20 * time.Second

// demoAdmin is where the demo's admin endpoint listens: where Caddy's usually is,
// unless one is there.
func demoAdmin(given string) (string, error) {
	if given != "" {
		return given, nil
	}
	host, port, err := net.SplitHostPort(caddy.DefaultAdminListen)
	if n, bad := strconv.Atoi(port); err == nil && bad == nil && begin.Free(n) {
		return net.JoinHostPort(host, port), nil
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("looking for a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}

var demoTexts = struct{ open, shop, sandbox, affiliate, dashboard, try, end lang.Text }{
	open:      lang.Text{"The demo shop is open. No money moves.", "فروشگاه نمونه باز است. پولی جابه‌جا نمی‌شود."},
	shop:      lang.Text{"the shop", "فروشگاه"},
	sandbox:   lang.Text{"the make-believe banks, and their faults", "بانک‌های ساختگی، و خطاهایشان"},
	affiliate: lang.Text{"what the affiliate network heard", "آنچه شبکهٔ همکاری در فروش شنیده است"},
	dashboard: lang.Text{"the staff's page (name demo, password demo)", "صفحهٔ کارکنان (نام demo، رمز demo)"},
	try:       lang.Text{"Buy something and press Pay. Then, in another terminal:", "چیزی بخرید و «پرداخت» را بزنید. بعد در ترمینالی دیگر:"},
	end:       lang.Text{"Ctrl+C ends it; nothing is kept.", "با Ctrl+C تمام می‌شود و چیزی نمی‌ماند."},
}

func (c *cli) sayDemo(d begin.Demo, l lang.Lang) {
	t := demoTexts
	shop := d.Shop() + "/"
	control := d.Sandbox() + "/_control/?lang=" + string(l)
	if l == lang.EN {
		shop += "en/" // the other half of the shop; `/` is Persian
	}
	where := ""
	if d.Admin != caddy.DefaultAdminListen {
		where = " --address " + d.Admin
	}
	fmt.Fprintf(c.out, "%s\n\n", t.open.In(l))
	for _, line := range [][2]string{
		{shop, t.shop.In(l)}, {control, t.sandbox.In(l)},
		{d.Sandbox() + "/hamekar/?lang=" + string(l), t.affiliate.In(l)}, {d.Dashboard() + "/?lang=" + string(l), t.dashboard.In(l)},
	} {
		fmt.Fprintf(c.out, "  %-44s %s\n", line[0], line[1])
	}
	p := begin.Program()
	fmt.Fprintf(c.out, "\n%s\n\n  %s payments list --state all%s\n  %s payments doctor%s\n\n%s\n",
		t.try.In(l), p, where, p, where, t.end.In(l))
}
