package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/watch"
	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/memory"
)

// A ledger that takes no payments, or is not open, costs money now, and is said once, in
// the language that was asked for; one that is in order is said to be.
func TestLedger(t *testing.T) {
	t.Parallel()
	full := fmt.Errorf("%w for new payments: less than 256 MiB free", payment.ErrFull)
	for name, c := range map[string]struct {
		closed, broken error
		level          operate.Level
		en, fa         string
	}{
		"in order":            {nil, nil, operate.LevelOK, "takes payments", "پرداخت می‌پذیرد"},
		"full":                {nil, full, operate.LevelError, "its disk has no room", "دیسکش جا ندارد"},
		"in trouble":          {nil, errors.New("read-only"), operate.LevelError, "when this is mended: read-only", "پرداخت تازه نمی‌پذیرد"},
		"not open":            {errors.New("locked by another"), nil, operate.LevelError, "503: locked by another", "۵۰۳ می‌گیرند: locked by another"},
		"not open, as full":   {full, nil, operate.LevelError, "when there is room", "وقتی جا باز شود"},
		"not open, and known": {full, full, operate.LevelError, "is not open", "باز نیست"},
	} {
		w := watch.New(nil)
		store := memory.New(time.Now)
		store.Break(c.broken)
		w.Look(context.Background(), store, nil)
		for l, want := range map[lang.Lang]string{"": c.en, lang.EN: c.en, lang.FA: c.fa} {
			var said []operate.Finding
			for _, f := range Money(Facts{Watch: w, Now: time.Now(), Lang: l, Closed: c.closed}) {
				if f.Code == "store" {
					said = append(said, f)
				}
			}
			if len(said) != 1 || said[0].Level != c.level || !strings.Contains(said[0].Text, want) {
				t.Errorf("%s, in %q: %+v", name, l, said)
			}
		}
	}
}

// Claims that were dropped without a question are counted in both languages, whatever they were dropped
// for; an announcement that was refused, or an order that was announced again, is none.
func TestDroppedClaimsAreCounted(t *testing.T) {
	t.Parallel()
	w := watch.New(nil)
	for n, e := range []engine.Event{
		{}, {Name: engine.EventUnknownOrder, Reason: payment.ReasonUnknownOrder}, {Name: engine.EventForeign, Reason: payment.ReasonForeign},
		{Name: engine.EventPaidBefore, Reason: payment.ReasonCalledPaid}, {Name: engine.EventPaidBefore, Reason: payment.ReasonOrderPaid},
	} {
		w.Note(e)
		w.Note(engine.Event{Name: engine.EventPaidBefore, Reason: payment.ReasonPaidBefore})
		w.Note(engine.Event{Name: engine.EventForeign})
		for l, want := range map[lang.Lang]string{lang.EN: fmt.Sprint(n, " claims to have paid"), lang.FA: lang.Digits(fmt.Sprint(n), lang.FA) + " ادعای پرداخت"} {
			said := 0
			for _, f := range Money(Facts{Watch: w, Now: time.Now(), Lang: l}) {
				if f.Code == "dropped" && f.Level == operate.LevelWarn && strings.Contains(f.Text, want) {
					said++
				}
			}
			if said != min(n, 1) {
				t.Errorf("after %d, in %q: named %d times", n, l, said)
			}
		}
	}
}

// A shop whose page takes long over its paid customers is named, once for each site, as long
// as that is news.
func TestASlowShopIsNamed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	w := watch.New(func() time.Time { return now })
	for _, site := range []string{"a.example", "b.example", "a.example"} {
		w.Note(engine.Event{Name: engine.EventSlow, Site: site, Took: engine.SlowDelivery})
	}
	for age, n := range map[time.Duration]int{0: 2, 24*time.Hour - 1: 2, 24 * time.Hour: 0} {
		for l, want := range map[lang.Lang]string{lang.EN: "longer than 30 seconds to answer a paid customer (2 times", lang.FA: "بیش از ۳۰ ثانیه وقت گرفت (۲ بار"} {
			var said []operate.Finding
			for _, f := range Money(Facts{Watch: w, Now: now.Add(age), Lang: l}) {
				switch f.Code {
				case "shop_slow":
					said = append(said, f)
				case "shop":
					t.Errorf("%+v", f)
				}
			}
			if len(said) != n || n > 0 && (said[0].Where != "a.example" || said[0].Level != operate.LevelWarn || !strings.Contains(said[0].Text, want)) {
				t.Errorf("after %s in %q: %+v", age, l, said)
			}
		}
	}
}

// Whoever reads that the shop looks into their payment is counted for the shop, also where the
// record of that payment was lost.
func TestForgottenReturnsAreNamed(t *testing.T) {
	t.Parallel()
	w := watch.New(nil)
	for n := range 3 {
		for l, want := range map[lang.Lang]string{lang.EN: fmt.Sprint(n, " returns since the start"), lang.FA: lang.Digits(fmt.Sprint(n), lang.FA) + " بازگشت از زمان آغاز"} {
			said := 0
			for _, f := range Money(Facts{Watch: w, Now: time.Now(), Lang: l}) {
				if f.Code == "forgotten" && f.Level == operate.LevelWarn && strings.Contains(f.Text, want) && strings.Contains(f.Text, "ledger_lost") {
					said++
				}
			}
			if said != min(n, 1) {
				t.Errorf("after %d, in %q: named %d times", n, l, said)
			}
		}
		w.Note(engine.Event{Name: engine.EventForgotten, Site: "a.example", Reason: payment.ReasonOldGeneration})
	}
}
