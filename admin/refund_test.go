package admin

import (
	"encoding/json"
	"testing"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

func TestRefundCommand(t *testing.T) {
	l := operatetest.New(t)
	p := l.Put(payment.Delivered, "", nil)
	addr := serve(t, l)
	ref := string(p.Ref)
	run(t, addr, true, "", "refund", ref, "--note", "x").has(t, exitNotPossible, "can't refund as it is configured")
	var asked []payment.GiveBack
	outcome := payment.GiveBackDone
	l.GiveBack = func(q payment.GiveBack) payment.GivenBack {
		asked = append(asked, q)
		return payment.GivenBack{Outcome: outcome, Code: "7"}
	}
	run(t, addr, true, "", "refund", ref).has(t, exitUsage, "--note")
	run(t, addr, true, "", "refund", ref, "--note", "x", "--amount", "cake").has(t, exitUsage, "--amount")
	run(t, addr, true, "", "refund", ref, "--note", "x", "--amount", "").has(t, exitUsage, "--amount")
	for _, bare := range []string{"50000", "۵۰۰۰۰", "50,000"} {
		run(t, addr, true, "", "refund", ref, "--note", "x", "--amount", bare).has(t, exitUsage, "--amount", "50000toman (500,000 rials)", "50000rial (5,000 toman)")
	}
	run(t, addr, true, "", "refund", ref, "--note", "x", "--amount", "5000000rial").has(t, exitNotPossible, "at most 500,000 rials")
	run(t, addr, true, "", "refund", ref, "--note", "x", "--version", "99").has(t, exitNotPossible, "changed meanwhile")
	run(t, addr, true, "", "refund", ref, "--note", "x", "-n").has(t, 0, "nothing was done", "ask the provider idpay to refund 500,000 rials")
	if len(asked) != 0 {
		t.Fatal("a dry run asked")
	}
	run(t, addr, true, "", "refund", ref, "--note", "one of two", "--by", "sara", "--amount", "20000toman").has(t, 0, "is now delivered")
	outcome = payment.GiveBackRefused
	run(t, addr, true, "", "refund", ref, "--note", "x").has(t, exitNotPossible, "gave nothing back (code 7)")
	outcome = payment.GiveBackUnknown
	run(t, addr, true, "", "refund", ref, "--note", "the rest").has(t, 0, "Nobody knows", "--was done")
	run(t, addr, true, "", "refund", ref, "--note", "again").has(t, exitNotPossible, "all of it went back or may have gone back")
	run(t, addr, true, "", "refund", ref, "--note", "x", "--was", "perhaps").has(t, exitUsage, "done or refused")
	run(t, addr, true, "", "refund", ref, "--note", "x", "--was", "done", "-n").has(t, 0, "note that the refund of 300,000 rials is done")
	run(t, addr, true, "", "refund", ref, "--note", "panel says so", "--was", "done").has(t, 0, "is now reversed")
	if len(asked) != 3 || asked[0].Amount != 200_000 || asked[2].Amount != 300_000 {
		t.Errorf("asked %+v", asked)
	}
	var shown struct {
		Refunds []struct {
			State  string `json:"state"`
			Amount int64  `json:"amount_rials"`
			By     string `json:"by"`
		} `json:"refunds"`
	}
	out := run(t, addr, false, "", "show", ref)
	if err := json.Unmarshal([]byte(out.out), &shown); err != nil || len(shown.Refunds) != 3 || shown.Refunds[0].By != "sara" || shown.Refunds[2].State != "done" {
		t.Errorf("%v: %s", err, out.out)
	}
}

func TestReverseCommand(t *testing.T) {
	l := operatetest.New(t)
	l.GiveBack = func(payment.GiveBack) payment.GivenBack { return payment.GivenBack{Outcome: payment.GiveBackDone} }
	p, review := l.Put(payment.Parked, payment.ReasonNoProof, nil), l.Put(payment.Review, payment.ReasonAmount, nil)
	addr := serve(t, l)
	// It was verified hours ago: the provider says no by itself, and a dry run says so.
	run(t, addr, true, "", "reverse", string(p.Ref), "--note", "x", "-n").has(t, 0, "The provider takes this for 30m0s")
	run(t, addr, true, "", "reverse", string(p.Ref), "--note", "x", "--amount", "5rial").has(t, exitUsage, "unknown flag")
	run(t, addr, true, "", "reverse", string(p.Ref), "--note", "x").has(t, 0, "is now reversed")
	run(t, addr, true, "", "reverse", string(p.Ref), "--note", "x").has(t, exitNotPossible, "went back already")
	run(t, addr, true, "", "reverse", string(review.Ref), "--note", "x").has(t, exitNotPossible, "while it is review")
	run(t, addr, true, "", "reverse", "nonsense", "--note", "x").has(t, exitUsage, "not a payment reference")
}
