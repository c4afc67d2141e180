package robust_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// newTracked is a stand that captures tracks, with the network's token in a
// file.
func newTracked(t *testing.T, token string) *stand {
	t.Helper()
	s := newStand(t, "idpay", "", "{env.STORE_TOKEN}", "{file.{{dir}}/token}")
	s.text = strings.Replace(s.text, "\t\tcheckout /buy", "\t\ttrack /product/*\n\t\tcheckout /buy", 1)
	s.prepare().token(token)
	s.Caddy.Start()
	return s
}

func (s *stand) token(token string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.Dir, "token"), []byte(token), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// convert buys as a visitor that a network sent.
func (s *stand) convert(track string) string {
	s.t.Helper()
	b := harness.NewCustomer(s.t)
	b.Get(s.site + "/product/mug?track_id=" + track)
	id, ret := s.buy(b)
	if p, err := come(b, ret); err != nil || p.Status != http.StatusOK {
		s.t.Fatalf("%d %v", p.Status, err)
	}
	return id
}

func (s *stand) reported(track, result string) (n int) {
	for _, c := range s.box.Ledger("", "", "").Conversions {
		if c.TrackID == track && (result == "" || c.Result == result) {
			n++
		}
	}
	return n
}

// Rule 11 and seeds/hamekar: 401 pauses, loudly, and a reload with the right
// token sends what waited, once.
func TestConversionsWaitForARightToken(t *testing.T) {
	t.Parallel()
	s := newTracked(t, "wrong-token-canary")
	first := s.convert("track-number-one")
	harness.Wait(t, "the network refuses the token", 15*time.Second, func() bool { return s.reported("track-number-one", "unauthorized") == 1 })
	harness.Wait(t, "somebody is told", 30*time.Second, func() bool { return contains(s.Log(), `"level":"error"`) && contains(s.Log(), "affiliate_paused") })
	second := s.convert("track-number-two")
	time.Sleep(2 * time.Second)
	if n := s.reported("track-number-two", ""); n != 0 {
		t.Errorf("reported %d times while paused", n)
	}
	s.token("the-right-token")
	if err := s.load(); err != nil {
		t.Fatal(err)
	}
	for id, track := range map[string]string{first: "track-number-one", second: "track-number-two"} {
		harness.Wait(t, track+" arrives", 15*time.Second, func() bool { return s.reported(track, "accepted") == 1 })
		harness.Wait(t, "it is noted", 30*time.Second, func() bool { return s.record(id).Conversion == "sent" })
		if n := s.reported(track, "repeat"); n != 0 {
			t.Errorf("%s was reported %d times more", track, n)
		}
	}
	if contains(s.Log(), "wrong-token-canary") || contains(s.Log(), "the-right-token") {
		t.Error("the token is in the log")
	}
}

func TestConversionsAreReportedOnce(t *testing.T) {
	t.Parallel()
	s := newTracked(t, "the-right-token")
	t.Run("422 is final and seen", func(t *testing.T) {
		id := s.convert("unknown-track-id")
		harness.Wait(t, "it is refused", 15*time.Second, func() bool { return s.record(id).Conversion == "rejected" })
		if n := s.reported("unknown-track-id", ""); n != 1 {
			t.Errorf("reported %d times", n)
		}
		if !contains(s.Log(), "conversion_failed") {
			t.Error("nobody was told")
		}
	})
	t.Run("500, then again within ten seconds", func(t *testing.T) {
		s.fault(sandbox.Fault{Kind: "status", Status: 500, Operation: "conversion", Payment: "track-of-a-500", Count: 1})
		id := s.convert("track-of-a-500")
		begin := time.Now()
		harness.Wait(t, "it arrives", 20*time.Second, func() bool { return s.record(id).Conversion == "sent" })
		if took := time.Since(begin); took > 15*time.Second {
			t.Errorf("the second try came after %s", took)
		}
		if s.reported("track-of-a-500", "accepted") != 1 || s.reported("track-of-a-500", "repeat") != 0 {
			t.Error("not once")
		}
	})
	t.Run("A75 nothing without a payment", func(t *testing.T) {
		b := harness.NewCustomer(t)
		b.Get(s.site + "/product/mug?track_id=track-without-pay")
		p := b.Post(s.site+"/buy/mug", nil)
		link := p.Location(t)
		acted, err := s.box.Act(link[strings.LastIndexByte(link, '/')+1:], "cancel")
		if err != nil {
			t.Fatal(err)
		}
		if p, err := come(b, acted.Return); err != nil || p.Status != http.StatusPaymentRequired {
			t.Errorf("%d %v", p.Status, err)
		}
		time.Sleep(1500 * time.Millisecond)
		if n := s.reported("track-without-pay", ""); n != 0 {
			t.Errorf("reported %d times", n)
		}
	})
}
