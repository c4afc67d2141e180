package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/admin/begin"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/sandbox"
)

// sandboxPort is where the sandbox of all examples is.
const sandboxPort = begin.DemoPort + 1

func (c *cli) sandboxCommand() *cobra.Command {
	var presets strings.Builder
	var names []string
	for _, p := range sandbox.Presets() {
		names = append(names, p.Name)
		fmt.Fprintf(&presets, "  %-24s %s\n", p.Name, p.EN)
	}
	cmd := c.leaf("sandbox", "Runs the make-believe payment providers alone, for a shop in any language",
		`
Runs the sandbox on a port of this machine until Ctrl+C: it speaks the payment
providers' own protocols, with a bank page on which nobody pays. What it prints
is the base_url of each provider. It takes any plausible key. Payments are kept
in memory.

--with-faults lets something go wrong; on the page /_control/ the same is a
button each:

`+presets.String()+`
Only clients on this machine are answered, unless --remote is given.`,
		exactly(0, "no arguments, only flags"), c.sandbox)
	f := cmd.Flags()
	f.Int("port", sandboxPort, "Port to listen on; 0 takes a free one")
	f.StringSlice("with-faults", nil, "Faults to begin with: "+strings.Join(names, ", ")+"; several with commas")
	f.String("return", "", "How browsers come back to the shop: get, post or bare")
	f.Bool("remote", false, "Answer other machines too: they can pay in the sandbox")
	f.BoolP("quiet", "q", false, "Print no line for each call")
	return c.complete(cmd, among(), completers{
		"with-faults": among(names...), "return": among(sandbox.ReturnGet, sandbox.ReturnPost, sandbox.ReturnBare),
	})
}

func (c *cli) sandbox(cmd *cobra.Command, _ []string) error {
	flags := cmd.Flags()
	port, _ := flags.GetInt("port")
	faults, _ := flags.GetStringSlice("with-faults")
	how, _ := flags.GetString("return")
	remote, _ := flags.GetBool("remote")
	quiet, _ := flags.GetBool("quiet")
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM) // for good: a second Ctrl+C, while it ends, changes nothing
	go func() {
		<-signals
		stop()
	}()
	server, err := sandbox.New(sandbox.Options{Return: how, AllowRemote: remote, Stopping: func() bool { return ctx.Err() != nil }})
	if err != nil {
		return usage("%w", err)
	}
	for _, name := range faults {
		if _, err := server.SetPreset(name); err != nil {
			return usage("--with-faults: %w", err)
		}
	}
	listeners, err := listen(port, remote)
	if err != nil {
		return err
	}
	c.saySandbox(listeners[0].Addr(), faults, c.speaks(cmd))
	var handler http.Handler = server
	if !quiet {
		handler = noted(c.err, server)
	}
	return serveUntil(ctx, handler, listeners)
}

// listen opens the loopback addresses, or all of them. All have one port.
func listen(port int, remote bool) ([]net.Listener, error) {
	hosts := begin.Loopback()
	if remote {
		hosts = []string{""}
	}
	if port != 0 && !begin.Free(port) {
		return nil, fmt.Errorf("port %d is taken, perhaps by the demo or another sandbox; choose one with --port, or any free one with --port 0", port)
	}
	var all []net.Listener
	for _, host := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err != nil {
			for _, l := range all {
				_ = l.Close()
			}
			return nil, fmt.Errorf("opening the port: %w", err)
		}
		all = append(all, l)
		port = l.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // a TCP listener's
	}
	return all, nil
}

// serveUntil serves until ctx ends, and lets running calls end.
func serveUntil(ctx context.Context, h http.Handler, listeners []net.Listener) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- srv.Serve(l) }()
	}
	select {
	case err := <-ended:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := srv.Shutdown(last); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("stopping: %w", err)
	}
	return nil
}

// noted prints a line for each call of a shop's: its method, path and status. No
// query and no body: they may hold a card's number.
func noted(to io.Writer, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &spoken{ResponseWriter: w}
		begun := time.Now()
		defer func() {
			code := "broken off"
			if s.code != 0 {
				code = strconv.Itoa(s.code)
			}
			fmt.Fprintf(to, "%s  %-10s %-4s %s  %d ms\n", begun.Format(time.TimeOnly), code, clean(r.Method), clean(r.URL.EscapedPath()), time.Since(begun).Milliseconds())
		}()
		h.ServeHTTP(s, r)
	})
}

// spoken remembers the status of an answer.
type spoken struct {
	http.ResponseWriter
	code int
}

func (s *spoken) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *spoken) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap lets the sandbox break connections.
func (s *spoken) Unwrap() http.ResponseWriter { return s.ResponseWriter }

var sandboxTexts = struct{ open, levers, lines, faults, end lang.Text }{
	open:   lang.Text{"The sandbox is open. No money moves; any plausible key is taken.", "محیط آزمایشی باز است. پولی جابه‌جا نمی‌شود و هر کلید معقولی پذیرفته است."},
	levers: lang.Text{"ledger and faults", "دفتر و خطاها"},
	lines:  lang.Text{"In your Caddyfile, in the provider's block:", "در Caddyfile، در بلوک درگاه:"},
	faults: lang.Text{"Faults that are on:", "خطاهای روشن:"},
	end:    lang.Text{"Ctrl+C ends it and forgets all payments.", "با Ctrl+C تمام می‌شود و همهٔ پرداخت‌ها فراموش می‌شوند."},
}

func (c *cli) saySandbox(at net.Addr, faults []string, l lang.Lang) {
	t := sandboxTexts
	base := "http://localhost:" + strconv.Itoa(at.(*net.TCPAddr).Port) //nolint:forcetypeassert // a TCP listener's
	fmt.Fprintf(c.out, "%s\n\n  %s/_control/?lang=%s  %s\n\n%s\n\n", t.open.In(l), base, l, t.levers.In(l), t.lines.In(l))
	table := newTabs(c.out)
	for _, name := range sandbox.Gateways() {
		fmt.Fprintf(table, "  %s\tbase_url %s/%s\n", name, base, name)
	}
	_ = table.Flush()
	if len(faults) > 0 {
		fmt.Fprintf(c.out, "\n%s\n\n", t.faults.In(l))
		for _, p := range sandbox.Presets() {
			if slices.Contains(faults, p.Name) {
				fmt.Fprintf(c.out, "  %s: %s\n", p.Name, p.In(string(l)))
			}
		}
	}
	fmt.Fprintf(c.out, "\n%s\n", t.end.In(l))
}

// Interface guard
var _ http.ResponseWriter = (*spoken)(nil)
