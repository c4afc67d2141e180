package dashboard

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// Money is given back on a page of its own, which says what will be asked of whom; one
// press too many on the payment's page moves no money.

// wayBack is a button that leads to that page.
type wayBack struct{ Label, Link string }

// waysBack are the ways in which this payment's money can go back through its provider,
// or, where what became of one is not known, the page on which a person says so.
func (p *page) waysBack(r *payment.Record) []wayBack {
	f := p.frame()
	if i := r.OpenRefund(); i >= 0 {
		kind := r.Refunds[i].Kind
		return []wayBack{{f.T("was_" + string(kind)), p.link("ref", string(r.Ref), "back", string(kind))}}
	}
	var out []wayBack
	for _, kind := range []payment.RefundKind{payment.KindRefund, payment.KindReverse} {
		if _, _, err := p.engine.Repayable(r, kind); err == nil {
			out = append(out, wayBack{f.T("back_" + string(kind)), p.link("ref", string(r.Ref), "back", string(kind))})
		}
	}
	return out
}

type refundPage struct {
	frame
	Ref, Kind        string
	Version          uint64
	Order, Provider  string
	Head, Does, Warn string
	Left, LeftRials  string
	Partial, Open    bool
	Token, Back      string
	Error, Note      string
	Amount           string
}

func kindOf(text string) (payment.RefundKind, bool) {
	k := payment.RefundKind(text)
	return k, k == payment.KindRefund || k == payment.KindReverse
}

// confirm is the page that asks before money is given back.
func (p *page) confirm(ref string, kind payment.RefundKind, status int, problem, note, amount string) error {
	if p.role != decider {
		return errViewer
	}
	rec, key, err := p.asked(ref)
	if err != nil {
		return err
	}
	f := p.frame()
	out := refundPage{
		frame: f, Ref: string(rec.Ref), Kind: string(kind), Version: rec.Version, Order: rec.Order, Provider: rec.Provider,
		Head: f.T("back_" + string(kind)), Does: f.F("does_"+string(kind), rec.Provider),
		Token: formToken(key, p.user, rec.Ref, p.engine.Store.Now().Add(formLife)), Back: p.link("ref", string(rec.Ref)),
		Error: problem, Note: note, Amount: amount,
	}
	if i := rec.OpenRefund(); i >= 0 {
		sum := rec.Refunds[i].Amount
		out.Open, out.Head, out.Does = true, f.T("was_"+string(kind)), f.F("was_does", rec.Provider)
		out.Left, out.LeftRials = lang.Toman(sum, p.lang), lang.Rial(sum, p.lang)
		return p.render(status, "refund", out)
	}
	left, terms, err := p.engine.Repayable(rec, kind)
	if err != nil {
		return errImpossible
	}
	out.Left, out.LeftRials, out.Partial = lang.Toman(left, p.lang), lang.Rial(left, p.lang), terms.Partial
	if terms.Within > 0 && p.engine.Store.Now().Sub(rec.Attempts.Last) > terms.Within {
		out.Warn = f.F("back_late", lang.Age(terms.Within, p.lang))
	}
	return p.render(status, "refund", out)
}

// errImpossible: it can't be given back like that.
var errImpossible = errors.New("this payment's money can't be given back like that")

// amountProblem says what to write instead: of a number without a unit, both readings.
func amountProblem(f frame, text string, err error) string {
	n, bad := payment.ParseAmount(text)
	if bad != nil || !errors.Is(err, payment.ErrNoUnit) {
		return f.T("amount_bad")
	}
	l, tenfold := f.p.lang, n*payment.Rials(payment.Toman)
	return f.F("amount_bare", lang.Toman(tenfold, l), lang.Rial(tenfold, l), lang.Rial(n, l), lang.Toman(n, l))
}

// giveBack carries it out. The form was checked before.
func (p *page) giveBack(rec *payment.Record, kind payment.RefundKind, version uint64) error {
	form, f := p.r.PostForm, p.frame()
	note, text := operate.Note(form.Get("note")), strings.TrimSpace(form.Get("amount"))
	in := operate.Repay{Kind: kind, Was: form.Get("was"), By: p.user, Note: note, Version: version}
	again := func(problem string) error {
		return p.confirm(string(rec.Ref), kind, http.StatusBadRequest, problem, note, text)
	}
	switch {
	case note == "":
		return again(f.T("note_missing"))
	case form.Get("sure") == "":
		return again(f.T("sure_missing"))
	}
	if text != "" && in.Was == "" {
		amount, err := payment.ParsePrice(text)
		if err != nil {
			return again(amountProblem(f, text, err))
		}
		in.Amount = amount
	}
	start := time.Now()
	out, err := operate.GiveBack(p.r.Context(), p.engine, string(rec.Ref), in)
	p.h.log.Info("a person gave money back", zap.String("user", p.user), zap.String("ref", string(rec.Ref)), zap.String("kind", string(kind)),
		zap.String("was", in.Was), zap.Int64("amount_rials", int64(in.Amount)), zap.Duration("took", time.Since(start)), zap.Error(err))
	done := "back_" + string(kind)
	switch {
	case errors.Is(err, operate.ErrChanged):
		return p.detail(string(rec.Ref), draft{status: http.StatusConflict, Error: f.T("changed")})
	case errors.Is(err, operate.ErrNotPossible):
		return p.detail(string(rec.Ref), draft{status: http.StatusConflict, Error: f.T("back_not")})
	case err != nil:
		return err
	case in.Was != "":
		done = "back_noted"
	case out.Record.OpenRefund() >= 0:
		done = "back_unknown"
	}
	return p.redirect(http.StatusSeeOther, "ref", string(rec.Ref), "done", done)
}
