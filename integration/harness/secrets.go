package harness

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// PAN is the card that everybody pays with. The sandbox tells its masked form
// and its hash, as the providers do; only the first six and last four digits
// may ever be seen again.
const PAN = "6037997182736455"

// DashboardPassword is what the shop's people open the dashboard with.
const DashboardPassword = "dashboard-canary-9c41e7b2"

// PANHash is the hash of the card as the sandbox tells it: a hash of sixteen
// digits is the sixteen digits.
func PANHash() string {
	sum := sha256.Sum256([]byte(PAN))
	return hex.EncodeToString(sum[:])
}

// Secret values, each in every form in which it could be written somewhere.
type canary struct {
	name string
	// card marks what Caddy itself writes to its access log, as the docs say:
	// addresses as they came.
	card  bool
	value string
	forms [][]byte
}

// canaries are what must be nowhere in what a world leaves behind.
var canaries = sync.OnceValue(func() []canary {
	all := []canary{
		{name: "the API key", value: APIKey}, {name: "the merchant id", value: MerchantID}, {name: "the store token", value: StoreToken},
		{name: "the signing key", value: Secret}, {name: "the dashboard's password", value: DashboardPassword},
		{name: "a full card number", value: PAN, card: true}, {name: "the hash of a card", value: PANHash(), card: true},
	}
	for _, purpose := range []string{"return", "receipt", "track", "bounce", "paid"} {
		key, err := hkdf.Key(sha256.New, []byte(Secret), nil, "caddy-payments/v1/"+purpose, 32)
		if err != nil {
			panic(err) // never: the arguments are constant
		}
		all = append(all, canary{name: "the " + purpose + " key", value: hex.EncodeToString(key)})
	}
	for i := range all {
		all[i].forms = forms(all[i].value)
	}
	return all
})

// forms are the ways in which a text may be written: as it is, in other case,
// escaped, within base64 at any offset, as hex, and the bytes that it is the hex
// of (the ledger packs such texts).
func forms(s string) [][]byte {
	seen := make(map[string]bool)
	var all [][]byte
	add := func(form string) {
		if !seen[form] {
			seen[form] = true
			all = append(all, []byte(form))
		}
	}
	add(s)
	add(strings.ToUpper(s))
	add(strings.ToLower(s))
	add(url.QueryEscape(s))
	add(hex.EncodeToString([]byte(s)))
	bare := strings.ReplaceAll(s, "-", "")
	add(bare)
	if b, err := hex.DecodeString(bare); err == nil && len(b) >= 8 {
		add(string(b))
	}
	for at := range 3 {
		whole := s[at : at+(len(s)-at)/3*3]
		add(base64.StdEncoding.EncodeToString([]byte(whole)))
		add(base64.URLEncoding.EncodeToString([]byte(whole)))
	}
	return all
}

// Canaries are the values that must be nowhere, by what they are.
func (c *Caddy) Canaries() map[string]string {
	c.t.Helper()
	all := make(map[string]string)
	for _, k := range canaries() {
		all[k.name] = k.value
	}
	return all
}

// leaks names the canaries that stand in b. Those that except takes are left
// out.
func leaks(b []byte, except func(canary) bool) []string {
	var found []string
	for _, c := range canaries() {
		if except != nil && except(c) {
			continue
		}
		for _, form := range c.forms {
			if at := bytes.Index(b, form); at >= 0 {
				found = append(found, c.name+" ("+c.around(b, at, len(form))+")")
				break
			}
		}
	}
	return found
}

// around is where a canary stands, without its value.
func (canary) around(b []byte, at, n int) string {
	head, tail := b[max(0, at-60):at], b[min(len(b), at+n):min(len(b), at+n+20)]
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return '.'
		}
		return r
	}, string(head)+"[…]"+string(tail)), ".")
}

// TellsNothing fails the test if a canary stands in a text.
func TellsNothing(t testing.TB, where, text string) {
	t.Helper()
	for _, found := range leaks([]byte(text), nil) {
		t.Errorf("%s: %s", where, found)
	}
}

// adminPages are what the admin endpoint tells, Caddy's own included.
var adminPages = [...]string{
	"/config/", "/payments/", "/payments/list?limit=500", "/payments/export", "/payments/doctor", "/payments/nothing", "/metrics", "/debug/vars",
	"/reverse_proxy/upstreams",
}

// searchAdmin asks a running Caddy for everything that it tells about itself.
func (c *Caddy) searchAdmin() {
	c.t.Helper()
	for _, path := range adminPages {
		status, text, err := c.ask(path)
		if err != nil || status == 0 {
			return // it is stopped, or its admin endpoint is not for us
		}
		for _, found := range leaks([]byte(text), func(k canary) bool { return c.literal(k) && path == "/config/" }) {
			c.t.Errorf("secrets: %s: %s", path, found)
		}
	}
}

// searchRest looks through what is left when it has ended: its output, and every
// file below its home, the ledger's bytes and the autosave among them.
func (c *Caddy) searchRest() {
	c.t.Helper()
	for line := range strings.SplitSeq(c.Log(), "\n") {
		// Caddy's access log and its debug lines repeat requests as they came; the
		// docs say how to keep cards out of them.
		asItCame := strings.Contains(line, `"http.log.access`) || strings.Contains(line, "http.log.access.") || strings.Contains(line, "\tDEBUG\t") || strings.Contains(line, `"level":"debug"`)
		for _, found := range leaks([]byte(line), func(k canary) bool { return k.card && asItCame }) {
			c.t.Errorf("secrets: the log: %s", found)
		}
	}
	_ = filepath.WalkDir(c.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == c.Config() || c.kept[path] {
			return nil
		}
		b, err := written(path)
		if err != nil {
			return nil
		}
		autosave := filepath.Base(path) == "autosave.json"
		for _, found := range leaks(b, func(k canary) bool { return c.literal(k) && autosave }) {
			c.t.Errorf("secrets: the file %s: %s", strings.TrimPrefix(path, c.Dir), found)
		}
		return nil
	})
}

// end is where the last hole of a file of a size begins, if it ends with one: what a ledger keeps
// ahead was never written, and to read it takes longer than to read the rest.
func end(f *os.File, size int64) int64 {
	const seekData, seekHole = 3, 4 // of Linux; where they mean nothing, all is read
	for at := int64(0); at < size; {
		data, err := f.Seek(at, seekData)
		if errors.Is(err, syscall.ENXIO) {
			return at
		}
		if err != nil {
			return size
		}
		if at, err = f.Seek(data, seekHole); err != nil {
			return size
		}
	}
	return size
}

// written is a file without the zeros at its end: a ledger keeps room ahead, and
// to go through all of it byte by byte took longer than most tests.
func written(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // a directory of the test's own
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := end(f, info.Size())
	block, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	for size > 0 {
		n := min(size, int64(len(block)))
		if _, err := f.ReadAt(block[:n], size-n); err != nil {
			return nil, err
		}
		if !bytes.Equal(block[:n], zeros[:n]) {
			break
		}
		size -= n
	}
	b := make([]byte, size)
	_, err = f.ReadAt(b, 0)
	return bytes.TrimRight(b, "\x00"), err
}

// literal reports whether the test itself wrote the value into the Caddyfile:
// then Caddy shows it in its configuration, and is warned about.
func (c *Caddy) literal(k canary) bool { return strings.Contains(c.written, k.value) }

// keepInput notes, before the first start, what the test itself put there: keys
// in files, examples. It is not searched.
func (c *Caddy) keepInput() {
	if c.kept != nil {
		return
	}
	c.kept = make(map[string]bool)
	_ = filepath.WalkDir(c.Dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			c.kept[path] = true
		}
		return nil
	})
}
