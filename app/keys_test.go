package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/internal/token"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/sandbox"
	"github.com/rahgir/caddy-payments/storage/memory"
)

const (
	keyA = "signing_key aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	keyB = "signing_key bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// newKeyed is a Caddy in this process with a shop that sells the content of /course/. The lines
// about keys are written at GLOBAL and SITE.
func newKeyed(t *testing.T) (*listening, func(global, site string)) {
	t.Helper()
	memoryStore.Lock()
	memoryStore.Store = memory.New(time.Now)
	memoryStore.Unlock()
	w := &listening{t: t, site: harness.Site(t)}
	w.box, w.boxURL = harness.Sandbox(t, sandbox.Options{})
	text := fmt.Sprintf(`{
	admin off
	auto_https off
	persist_config off
	payments {
		storage test_memory
		GLOBAL
		provider idpay {
			api_key %s
			base_url %s/idpay
		}
	}
}
%s {
	payments {
		SITE
		checkout /buy idpay {
			item course 50000toman
			buyer mobile required
			receipt
		}
		verify /thanks idpay {
			expect intent
		}
		require /course/* {
			item course
			checkout /buy
		}
	}
	respond "the shop answers"
}
`, harness.APIKey, w.boxURL, w.site)
	t.Cleanup(func() { _ = caddy.Stop() })
	return w, func(global, site string) {
		t.Helper()
		w.text = strings.NewReplacer("GLOBAL", global, "SITE", site).Replace(text)
		w.must(w.load())
	}
}

// What the keys of one configuration have signed is read with those of the next, whenever the
// key that signed it is there to verify it: a written one as long as it is written, the
// ledger's own always, unless it was given up.
func TestKeysAfterAReload(t *testing.T) {
	const off = "\n\t\tledger_key off"
	ref := payment.NewRef("http://shop.test", "idpay", "1", "1")
	for _, c := range []struct {
		what string
		// keys are the lines of each configuration; reads is whether what each of those
		// before has signed is read with the last.
		keys  []string
		reads []bool
	}{
		{"none, then written", []string{"", keyA}, []bool{true}},
		{"written, then none", []string{keyA, ""}, []bool{false}},
		{"a second written behind", []string{keyA, keyA + "\n" + keyB}, []bool{true}},
		{"a second written before", []string{keyA, keyB + "\n" + keyA}, []bool{true}},
		{"another written instead", []string{keyA, keyB}, []bool{false}},
		{"generated, written, generated", []string{"", keyA, ""}, []bool{true, false}},
		{"generated, then two", []string{"", keyA, keyB + "\n" + keyA}, []bool{true, true}},
		{"a name is given", []string{keyA, keyB + " new\n" + keyA + " old"}, []bool{true}},
		{"a name is changed", []string{keyA + " a", keyA + " b"}, []bool{true}},
		{"a name is taken away", []string{keyA + " a", keyA}, []bool{true}},
		{"the ledger's is given up", []string{"", keyA, keyA + off}, []bool{false, true}},
		{"and taken back", []string{"", keyA + off, keyA}, []bool{true, true}},
	} {
		t.Run(c.what, func(t *testing.T) {
			w, load := newKeyed(t)
			site, names := w.site, []string{w.site}
			keys := func() *token.Keys {
				t.Helper()
				k, err := w.app().Keys(t.Context())
				w.must(err)
				return k
			}
			kinds := map[string]struct {
				sign func() (string, error)
				read func(text string) error
			}{
				"a purchase": {
					func() (string, error) { return keys().SignPaid(token.Paid{Ref: ref}, site, time.Now()) },
					func(text string) error { _, err := keys().OpenPaid(text, names, time.Now()); return err },
				},
				"a link": {
					func() (string, error) { return keys().SignLink(ref, site, time.Now()) },
					func(text string) error { _, err := keys().OpenLink(text, names, time.Now()); return err },
				},
				"a reference, in a return address or of a payment under way": {
					func() (string, error) { return keys().SignRef(ref, site), nil },
					func(text string) error { _, err := keys().OpenRef(text, names); return err },
				},
				"a bounce": {
					func() (string, error) { return keys().SignBounce(ref, site, "nonce", time.Now()) },
					func(text string) error { _, err := keys().OpenBounce(text, names, time.Now()); return err },
				},
				"a track": {
					func() (string, error) {
						rec := &written{http.Header{}}
						keys().SetTrack(rec, "track", payment.Track{ID: "x", At: time.Now()}, site, time.Hour, time.Now(), token.View{})
						value, _, _ := strings.Cut(strings.TrimPrefix(rec.h.Get("Set-Cookie"), "payment_track="), ";")
						return value, nil
					},
					func(text string) error { _, err := keys().OpenTrack(text, names, time.Now()); return err },
				},
			}
			signed := make(map[string][]string)
			for i, lines := range c.keys {
				load(lines, "")
				for kind, of := range kinds {
					text, err := of.sign()
					w.must(err)
					signed[kind] = append(signed[kind], text)
					if i < len(c.keys)-1 {
						continue
					}
					for j, want := range append(c.reads, true) {
						if err := of.read(signed[kind][j]); (err == nil) != want {
							t.Errorf("%s of configuration %d of %d: %v", kind, j+1, len(c.keys), err)
						}
					}
				}
			}
		})
	}
}

// written takes the headers of an answer.
type written struct{ h http.Header }

func (w *written) Header() http.Header         { return w.h }
func (w *written) Write(b []byte) (int, error) { return len(b), nil }
func (w *written) WriteHeader(int)             {}

// Doctor names a key that has signed and is written no more, until it is written again; not one
// that signed nothing, was renamed or stands in a site's block now.
func TestDoctorNamesAKeyThatIsGone(t *testing.T) {
	const keyA, keyB = "signing_key cccccccccccccccccccccccccccccccc", "signing_key dddddddddddddddddddddddddddddddd" // no other test's: the process knows who signed
	w, load := newKeyed(t)
	gone := func() (names []string) {
		for _, f := range w.app().Doctor(t.Context(), lang.EN) {
			if f.Code == "signing_key_gone" && strings.HasPrefix(f.Where, "gone-") {
				names = append(names, f.Where)
			}
		}
		return names
	}
	for i, c := range []struct {
		global, site string
		uses         bool
		gone         string
	}{
		{"", "", true, "[]"},
		{keyA + " gone-a", "", false, "[]"},
		{"", "", true, "[]"}, // it signed nothing
		{keyA + " gone-a", "", true, "[]"},
		{"", "", true, "[gone-a]"},
		{keyB + " gone-b", "", true, "[gone-a]"},
		{keyB + " gone-b\n" + keyA + " gone-c", "", true, "[]"},
		{keyB + " gone-b", keyA, false, "[]"},
		{"", "", false, "[gone-a gone-b]"},
		{keyA + "\n" + keyB + "\nledger_key off", "", true, "[]"},
	} {
		load(c.global, c.site)
		if c.uses {
			_, err := w.app().Keys(t.Context())
			w.must(err)
		}
		if got := fmt.Sprint(gone()); got != c.gone {
			t.Errorf("%d: %s, want %s", i, got, c.gone)
		}
	}
}

// Nothing would be left to sign with.
func TestTheLedgersKeyIsNotGivenUpAlone(t *testing.T) {
	w, load := newKeyed(t)
	load("", "")
	w.text = strings.Replace(w.text, "storage test_memory", "storage test_memory\nledger_key off", 1)
	if err := w.load(); err == nil || !strings.Contains(err.Error(), "needs a signing_key") {
		t.Errorf("%v", err)
	}
}

// A key that another node, or the configuration before, makes later is found.
func TestALedgersKeyThatIsMadeLater(t *testing.T) {
	w, load := newKeyed(t)
	load(keyA, "")
	secret := []byte(strings.Repeat("l", 32))
	_, err := memoryStore.Secret(t.Context(), "signing_key", func() ([]byte, error) { return secret, nil })
	w.must(err)
	key, err := payment.NewSigningKey(secret, "")
	w.must(err)
	other, err := token.NewKeys(key)
	w.must(err)
	text := other.SignRef(payment.NewRef("x", "x", "x", "x"), w.site)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		w.app().LookAgain()
		keys, err := w.app().Keys(t.Context())
		w.must(err)
		if _, err = keys.OpenRef(text, []string{w.site}); err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// A Caddy that starts while its ledger can't be read signs, and takes nobody for a stranger: it says
// that it doesn't know. As soon as the ledger tells, all is as ever.
func TestALedgerThatCantBeReadAtTheStart(t *testing.T) {
	for _, has := range []bool{true, false} {
		w, load := newKeyed(t)
		secret := []byte(strings.Repeat("l", 32))
		if has {
			_, err := memoryStore.Secret(t.Context(), "signing_key", func() ([]byte, error) { return secret, nil })
			w.must(err)
		}
		key, err := payment.NewSigningKey(secret, "")
		w.must(err)
		other, err := token.NewKeys(key)
		w.must(err)
		text := other.SignRef(payment.NewRef("x", "x", "x", "x"), w.site)
		memoryStore.dumb.Store(true)
		t.Cleanup(func() { memoryStore.dumb.Store(false) })
		load(keyA, "")
		keys, err := w.app().Keys(t.Context())
		if !errors.Is(err, handlers.ErrNotOpen) || keys == nil {
			t.Fatalf("%v, %v", keys, err)
		}
		if mine := keys.SignRef("x", w.site); mine == "" {
			t.Error("it doesn't sign")
		}
		memoryStore.dumb.Store(false)
		harness.Wait(t, "the ledger tells", 30*time.Second, func() bool {
			keys, err = w.app().Keys(t.Context())
			return err == nil
		})
		if _, err := keys.OpenRef(text, []string{w.site}); (err == nil) != has {
			t.Errorf("the ledger has a key: %v; what it signed: %v", has, err)
		}
	}
}

// Whoever wrote a signing_key from the start has no other secret in the ledger, and the ledger's
// key, where there is one, neither signs beside a written one nor reads what a shop signs.
func TestTheLedgersKeySignsNothingBesideAWrittenOne(t *testing.T) {
	w, load := newKeyed(t)
	load(keyA, "")
	keys, err := w.app().Keys(t.Context())
	w.must(err)
	mine := keys.SignRef("x", w.site)
	memoryStore.Lock()
	made := false
	_, err = memoryStore.Secret(t.Context(), "signing_key", func() ([]byte, error) { made = true; return []byte(strings.Repeat("l", 32)), nil })
	memoryStore.Unlock()
	if w.must(err); !made {
		t.Error("the ledger has a key though one is written")
	}
	load(keyA+"\n", "# changed")
	keys, err = w.app().Keys(t.Context())
	w.must(err)
	if keys.SignRef("x", w.site) != mine {
		t.Error("the ledger's key signs")
	}
	for p, want := range map[payment.Purpose]int{
		payment.PurposeReturn: 1, payment.PurposeReceipt: 1, payment.PurposeLookup: 1,
		payment.PurposePaid: 2, payment.PurposeBounce: 2, payment.PurposeTrack: 2, payment.PurposeRelay: 2,
	} {
		if got := len(keys.All(p)); got != want {
			t.Errorf("%d keys for %s, want %d", got, p, want)
		}
	}
}

// A shop gets its first signing_key, in the global options or in its own block, and loses it
// again, while one customer has bought, one has a link, and one is at the bank.
func TestBuyersOutliveTheFirstSigningKey(t *testing.T) {
	for what, lines := range map[string][2]string{"global": {keyA, ""}, "of the site": {"", keyA}, "both": {keyB, keyA}} {
		t.Run(what, func(t *testing.T) {
			w, load := newKeyed(t)
			load("", "")
			toBank := func(b *harness.Browser) (back string) {
				bank := b.Post(w.site+"/buy/course", url.Values{"mobile": {"09121234567"}}).Location(t)
				return b.Post(bank, url.Values{"action": {"pay"}}).Location(t)
			}
			buyer, twice := harness.NewBrowser(t), [2]*harness.Browser{harness.NewBrowser(t), harness.NewBrowser(t)}
			if p := buyer.Get(toBank(buyer)); !strings.Contains(p.Body, "the shop answers") {
				t.Fatalf("%d %s", p.Status, p.Body)
			}
			back := [2]string{toBank(twice[0]), toBank(twice[1])}
			keys, err := w.app().Keys(t.Context())
			w.must(err)
			page, err := memoryStore.List(t.Context(), payment.Listing{States: []payment.State{payment.Delivered}})
			w.must(err)
			if len(page.Records) != 1 {
				t.Fatalf("%d payments", len(page.Records))
			}
			link, err := keys.SignLink(page.Records[0].Ref, page.Records[0].Site, time.Now())
			w.must(err)
			for i, now := range [2][2]string{lines, {"", "# nothing"}} {
				load(now[0], now[1])
				if p := buyer.Get(w.site + "/course/1"); p.Status != http.StatusOK {
					t.Errorf("%d: a buyer gets %d", i, p.Status)
				}
				if p := harness.NewBrowser(t).Get(w.site + "/buy/receipt?payment_link=" + link); p.Status != http.StatusOK {
					t.Errorf("%d: a link gives %d", i, p.Status)
				}
				if p := twice[i].Get(back[i]); p.Status != http.StatusOK {
					t.Errorf("%d: who comes back from the bank gets %d", i, p.Status)
				}
				if p := twice[i].Get(w.site + "/course/1"); p.Status != http.StatusOK {
					t.Errorf("%d: who has come back gets %d", i, p.Status)
				}
			}
		})
	}
}
