package sandbox

import (
	"net/url"
	"strings"
	"testing"
	"time"
)

// verified makes a payment at a gateway, paid and verified, without its calls.
func (r *rig) verified(gateway, id string, amount int64) *payment {
	r.Helper()
	r.sb.st.mu.Lock()
	defer r.sb.st.mu.Unlock()
	p := r.sb.newPayment(gateway, id, amount)
	p.unit = 1
	r.sb.st.add(p, "")
	if err := p.pay(r.sb.st.clock()); err != nil {
		r.Fatal(err)
	}
	if first, _ := p.verify(r.sb.st.clock()); !first {
		r.Fatal("not verified")
	}
	return p
}

// Each gateway gives back what it documents: a part, or the whole for a while.
func TestGivingBack(t *testing.T) {
	const merchant, key, uuid = "11111111-1111-1111-1111-111111111111", "k1", "22222222-2222-4222-8222-222222222222"
	calls := map[string]func(r *rig, p *payment, amount string) string{
		ProviderZarinpal: func(r *rig, p *payment, _ string) string {
			return r.do("POST", "/zarinpal/pg/v4/payment/reverse.json", `{"merchant_id":"`+merchant+`","authority":"`+p.id+`"}`, "Content-Type", "application/json").body
		},
		ProviderPayPing: func(r *rig, p *payment, _ string) string {
			return r.do("POST", "/payping/v3/pay/reverse", `{"paymentRefId":`+p.trackID+`,"paymentCode":"`+p.id+`"}`, "Content-Type", "application/json", "Authorization", "Bearer "+key).body
		},
		ProviderNextPay: func(r *rig, p *payment, amount string) string {
			return r.form("/nextpay/nx/gateway/verify", url.Values{"api_key": {key}, "trans_id": {p.id}, "amount": {amount}, "currency": {"IRR"}, "refund_request": {"yes_money_back"}}).body
		},
		ProviderVandar: func(r *rig, p *payment, amount string) string {
			return r.do("POST", "/vandar/v3/business/b/transaction/"+p.trackID+"/refund", `{"amount":`+amount+`,"payment_number":"n`+amount+`"}`, "Content-Type", "application/json", "Authorization", "Bearer "+key).body
		},
		ProviderZibal: func(r *rig, p *payment, amount string) string {
			return r.do("POST", "/zibal/v1/account/refund", `{"trackId":`+p.id+`,"amount":`+amount+`}`, "Content-Type", "application/json", "Authorization", "Bearer "+key).body
		},
	}
	for name, c := range map[string]struct {
		owner         string
		done, again   string
		late, partial string
	}{
		ProviderZarinpal: {merchant, `"code":100`, `"code":-61`, `"code":-63`, ""},
		ProviderPayPing:  {key, `"amount":2000`, `"code":135`, `"code":135`, ""},
		ProviderNextPay:  {key, `"code":-90`, `"code":-91`, `"code":-91`, `"code":-91`},
		ProviderVandar:   {key, `"status":"PENDING"`, `"status":0`, `"status":"PENDING"`, `"status":"PENDING"`},
		ProviderZibal:    {key, `"result":1`, `"result":2`, `"result":1`, `"result":1`},
	} {
		t.Run(name, func(t *testing.T) {
			for _, late := range []bool{false, true} {
				r := newRig(t, Options{})
				id := map[bool]string{true: uuid, false: "15966442233311"}[name == ProviderNextPay]
				p := r.verified(name, id, 20_000)
				p.owner, p.reversible = fingerprint(c.owner), true
				want := c.done
				if late {
					r.sb.Advance(31 * time.Minute)
					want = c.late
				}
				if got := calls[name](r, p, "20000"); !strings.Contains(got, want) {
					t.Errorf("late %v: %s", late, got)
				}
				if want == c.done {
					if got := calls[name](r, p, "20000"); !strings.Contains(got, c.again) {
						t.Errorf("again: %s", got)
					}
					if v := r.payment(id); v.State != StateRefunded || v.Refunded != 20_000 || v.Settled != 0 {
						t.Errorf("ledger: %+v", v)
					}
				}
			}
			if c.partial == "" {
				return
			}
			r := newRig(t, Options{})
			id := map[bool]string{true: uuid, false: "15966442233311"}[name == ProviderNextPay]
			p := r.verified(name, id, 20_000)
			p.owner = fingerprint(c.owner)
			if got := calls[name](r, p, "5000"); !strings.Contains(got, c.partial) {
				t.Errorf("a part: %s", got)
			}
			if c.partial != c.done {
				return
			}
			if v := r.payment(id); v.State != StateVerified || v.Refunded != 5000 || v.Settled != 15_000 {
				t.Errorf("ledger: %+v", v)
			}
			calls[name](r, p, "15001")
			calls[name](r, p, "15000")
			if v := r.payment(id); v.State != StateRefunded || v.Refunded != 20_000 {
				t.Errorf("ledger: %+v", v)
			}
		})
	}
}

// PayPing reverses only what was created to be reversible; nothing gives back what
// was never verified or is another's.
func TestGivingBackIsRefused(t *testing.T) {
	r := newRig(t, Options{})
	p := r.verified(ProviderPayPing, "abc", 20_000)
	p.owner = fingerprint("k1")
	g := r.do("POST", "/payping/v3/pay/reverse", `{"paymentRefId":`+p.trackID+`,"paymentCode":"abc"}`, "Content-Type", "application/json", "Authorization", "Bearer k1")
	if !strings.Contains(g.body, `"code":134`) {
		t.Errorf("%s", g.body)
	}
	for path, want := range map[string]int{"/vandar/v3/business/b/transaction/1/refund": 401, "/zibal/v1/account/refund": 200} {
		if g := r.do("POST", path, "{}", "Content-Type", "application/json"); g.status != want || strings.Contains(g.body, `:1}`) {
			t.Errorf("%s: %d %s", path, g.status, g.body)
		}
		if g := r.do("GET", path, ""); g.status != 405 {
			t.Errorf("%s: %d", path, g.status)
		}
	}
}
