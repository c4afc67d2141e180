package begin

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/rahgir/caddy-payments/examples"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/loopback"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
)

// The kinds of shops.
const (
	Static = "static" // files only
	PHP    = "php"    // a program of the owner's own
	Plugin = "plugin" // a shop system whose plugin starts and verifies payments
)

// Kinds are the kinds of shops.
func Kinds() []string { return []string{Static, PHP, Plugin} }

// Shop is what a first configuration is made of.
type Shop struct {
	Kind    string
	Gateway string
	// Address is the shop's, as browsers see it.
	Address string
	// Root is the directory of the shop's files.
	Root string
	// Return is the path, with a query where it needs one, to which customers come
	// back from the bank.
	Return string
	// FPM is where PHP listens, as `php_fastcgi` takes it.
	FPM string
	// BaseURL is the gateway's address, where it has none of its own.
	BaseURL string
	// Dir is where the files go.
	Dir  string
	Lang lang.Lang

	needs []string
	// sandbox is the port of the sandbox; tried: its lines are in force.
	sandbox int
	tried   bool
	known   bool
}

// The names of the files.
const (
	CaddyfileName = "Caddyfile"
	EnvName       = "payments.env"
	helpersName   = "php"
	// RelayName is the environment variable with the secret part of the relay's path.
	RelayName = "RELAY_SECRET"
)

// file is a file to write.
type file struct {
	name string
	text []byte
	mode os.FileMode
}

// Made are the files that were written, and the port of the sandbox, 0 if its
// lines are comments.
type Made struct {
	Files   []string
	Sandbox int
	// Keys are the environment variables that wait for the gateway's own values.
	Keys []string
}

// Relayed reports whether the shop's plugin stays as it is, and calls the gateway through
// the relay.
func (s *Shop) Relayed() bool { return s.Kind == Plugin && Relays(s.Gateway) }

// Complete fills in what has a good default, and refuses what can't work.
func (s *Shop) Complete() error {
	if !slices.Contains(Kinds(), s.Kind) {
		return fmt.Errorf("the kind of shop must be %s, not %q", strings.Join(Kinds(), ", "), s.Kind)
	}
	var err error
	if s.needs, err = Needs(s.Gateway); err != nil {
		return err
	}
	if s.Kind == Static && !slices.Contains(Gateways(true), s.Gateway) {
		return fmt.Errorf("%s has no documented call that starts a payment, so a static shop can't use it; others can: %s", s.Gateway, strings.Join(Gateways(true), ", "))
	}
	if err := s.completeAddress(); err != nil {
		return err
	}
	if s.Root == "" {
		s.Root = DefaultRoot(s.Kind)
	}
	if !filepath.IsAbs(s.Root) {
		s.Root = filepath.Join(s.Dir, s.Root)
	}
	if s.Root, err = filepath.Abs(s.Root); err != nil {
		return fmt.Errorf("root: %w", err)
	}
	if s.Return == "" {
		s.Return = DefaultReturn(s.Kind, s.Gateway)
	}
	if err := CheckReturn(s.Return); err != nil {
		return err
	}
	if s.FPM == "" {
		s.FPM = DefaultFPM()
	}
	for _, text := range []string{s.Root, s.FPM, s.BaseURL} {
		if err := CheckText(text); err != nil {
			return err
		}
	}
	if s.WantsHost() {
		return fmt.Errorf("%s has no address of its own: give its host with --base-url", s.Gateway)
	}
	return nil
}

// CheckAddress refuses what can't be a shop's address.
func CheckAddress(address string) error {
	s := Shop{Address: address}
	return s.completeAddress()
}

// CheckHost refuses what can't be a gateway's own address.
func CheckHost(base string) error {
	if u, err := url.Parse(base); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" || CheckText(base) != nil {
		return fmt.Errorf("the gateway's address must be such as https://poolam.ir, not %q", base)
	}
	return nil
}

// CheckReturn refuses what can't be a path of the shop.
func CheckReturn(back string) error {
	if u, err := url.Parse(back); err != nil || !strings.HasPrefix(back, "/") || u.Host != "" || u.Fragment != "" || strings.ContainsAny(back, " \t\r\n`{}\"") {
		return fmt.Errorf("the return address must be a path of the shop, such as /callback.php or /?wc-api=WC_ZPal, not %q", back)
	}
	return nil
}

// CheckText refuses what no Caddyfile can hold as a word.
func CheckText(text string) error {
	if strings.ContainsAny(text, "`\r\n") {
		return fmt.Errorf("%q can't be in a Caddyfile", text)
	}
	return nil
}

// WantsHost says whether the gateway's own address is still to be told, which only
// gateways that are a script on many hosts need.
func (s *Shop) WantsHost() bool {
	needs, err := Needs(s.Gateway)
	return err == nil && slices.Contains(needs, "base_url") && s.BaseURL == "" && s.completeAddress() == nil && !s.tried
}

func (s *Shop) completeAddress() error {
	if s.Address == "" {
		s.Address = "http://localhost:" + strconv.Itoa(DemoPort)
	}
	if !strings.Contains(s.Address, "://") {
		scheme := "https://"
		if host, _, err := net.SplitHostPort(s.Address); loopback.Is(s.Address) || err == nil && loopback.Is(host) {
			scheme = "http://"
		}
		s.Address = scheme + s.Address
	}
	u, err := url.Parse(s.Address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(u.Host, " {}*`\"") {
		return fmt.Errorf("the address must be the shop's as browsers see it, such as https://shop.example.com, not %q", s.Address)
	}
	s.Address = u.Scheme + "://" + u.Host
	s.known = slices.Contains(sandbox.Gateways(), s.Gateway)
	s.tried = s.known && loopback.Is(u.Hostname())
	if s.sandbox = DemoPort + 1; u.Port() == strconv.Itoa(s.sandbox) {
		s.sandbox++
	}
	return nil
}

// DefaultRoot is where a shop's files usually are.
func DefaultRoot(kind string) string {
	switch kind {
	case Static:
		return "site"
	case Plugin:
		return "/var/www/wordpress"
	}
	return "/var/www/shop"
}

// DefaultReturn is where customers usually come back.
func DefaultReturn(kind, gateway string) string {
	switch kind {
	case Static:
		return "/thanks"
	case Plugin:
		// As each gateway's own plugin for WooCommerce calls its endpoint, where that is known.
		if at := offerOf(gateway).PluginReturn; at != "" {
			return at
		}
		return "/?wc-api=wc_" + gateway
	}
	return "/callback.php"
}

// DefaultFPM is the socket of a PHP that is installed here, else its usual name.
func DefaultFPM() string {
	for _, pattern := range []string{"/run/php/php-fpm.sock", "/run/php/php*-fpm.sock", "/run/php-fpm/www.sock"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return "unix/" + found[len(found)-1]
		}
	}
	return "unix//run/php/php-fpm.sock"
}

// ErrExists is wrapped by the error about a file that is there already.
var ErrExists = errors.New("it is there already and is never overwritten")

// Vacant refuses a directory that has one of the files already, so that nobody answers
// questions in vain. ([Shop.Make] looks again.)
func (s *Shop) Vacant() error {
	for _, name := range []string{CaddyfileName, EnvName} {
		if err := absent(filepath.Join(s.Dir, name)); err != nil {
			return err
		}
	}
	return nil
}

func absent(name string) error {
	if _, err := os.Lstat(name); err == nil {
		return fmt.Errorf("%s: %w; choose another --dir", name, ErrExists)
	}
	return nil
}

// Make writes the files. It writes none if one of them is there already, or if what
// it would write is not what Caddy accepts.
func (s *Shop) Make() (Made, error) {
	made := Made{}
	if s.tried {
		made.Sandbox = s.sandbox
	}
	env, values, err := s.env(&made)
	if err != nil {
		return made, err
	}
	files := []file{{CaddyfileName, s.caddyfile(), 0o644}, {EnvName, env, 0o600}}
	extra, err := s.extra()
	if err != nil {
		return made, err
	}
	files = append(files, extra...)
	for i, f := range files {
		if !filepath.IsAbs(f.name) {
			files[i].name = filepath.Join(s.Dir, f.name)
		}
		if err := absent(files[i].name); err != nil {
			return made, err
		}
	}
	if err := check(files[0].text, values); err != nil {
		return made, fmt.Errorf("caddy would not accept what was to be written: %w", err)
	}
	for _, f := range files {
		err := os.MkdirAll(filepath.Dir(f.name), 0o755) //nolint:gosec // a shop's files are read by its server
		if err == nil {
			err = WriteNew(f.name, f.text, f.mode)
		}
		if err != nil {
			for _, name := range made.Files {
				_ = os.Remove(name)
			}
			return made, fmt.Errorf("writing %s: %w", f.name, err)
		}
		made.Files = append(made.Files, f.name)
	}
	return made, nil
}

// WriteNew writes a file that is not there. What came into being since somebody looked is
// not overwritten either, and half a file is left behind by nothing but a crash.
func WriteNew(name string, text []byte, mode os.FileMode) error {
	out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = out.Write(text)
	if err = errors.Join(err, out.Close()); err != nil {
		_ = os.Remove(name)
	}
	return err
}

// env is the environment file: keys that were made here, and a make-believe one for
// each that only the gateway can give.
func (s *Shop) env(made *Made) (text []byte, values map[string]string, err error) {
	values = make(map[string]string)
	w := &writer{lang: s.Lang}
	w.note("", envHead)
	set := func(name, value string) {
		values[name] = value
		w.line(name + "=" + value)
	}
	for _, option := range s.needs {
		if option == "base_url" {
			continue
		}
		name := variable(s.Gateway, option)
		w.line("")
		w.note("", lang.Text{
			"Made up, for the sandbox. Put the value from " + s.Gateway + "'s panel here before\ncustomers pay.",
			"ساختگی و برای آزمایش است. پیش از پرداخت مشتریان، مقدار پنل " + s.Gateway + " را\nاینجا بنویسید.",
		})
		made.Keys = append(made.Keys, name)
		set(name, uuid.NewString()) // every gateway's key may look like one
	}
	if s.Kind == Static {
		return w.bytes(), values, nil
	}
	secret := make([]byte, payment.MinSecret)
	_, _ = rand.Read(secret) // it never fails
	hexed := hex.EncodeToString(secret)
	key, err := payment.NewSigningKey([]byte(hexed), "")
	if err != nil {
		return nil, nil, err
	}
	receipt, err := key.Derive(payment.PurposeReceipt)
	if err != nil {
		return nil, nil, err
	}
	w.line("")
	w.note("", signingNote)
	set("PAYMENTS_SIGNING_KEY", hexed)
	w.line("")
	if s.Relayed() {
		_, _ = rand.Read(secret) // it never fails
		w.note("", relaySecretNote)
		set(RelayName, hex.EncodeToString(secret))
		return w.bytes(), values, nil
	}
	w.note("", receiptNote)
	set("PAYMENT_RECEIPT_KEY", string(receipt))
	return w.bytes(), values, nil
}

// extra are the files of the shop itself: a static one's pages where it has none,
// and the helpers for PHP.
func (s *Shop) extra() ([]file, error) {
	var files []file
	if s.Kind == Static {
		for _, name := range []string{"index.html", "thanks.html"} {
			to := filepath.Join(s.Root, name)
			if _, err := os.Lstat(to); err == nil {
				continue // the shop's own
			}
			text, err := pages.ReadFile("site/" + string(s.Lang) + "/" + name)
			if err != nil {
				return nil, err
			}
			files = append(files, file{to, text, 0o644})
		}
		return files, nil
	}
	if s.Relayed() {
		return nil, nil
	}
	for _, name := range []string{"payment-announce.php", "payment-receipt.php"} {
		text, err := examples.PHP.ReadFile("php/" + name)
		if err != nil {
			return nil, err
		}
		files = append(files, file{filepath.Join(helpersName, name), text, 0o644})
	}
	return files, nil
}
