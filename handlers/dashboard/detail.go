package dashboard

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/explain"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// draft is what a person has typed into a form that was not accepted, and what
// to say about it.
type draft struct {
	status           int
	Key, Note, Error string
	// Done is the key of the text about what was just done.
	Done string
}

type detailPage struct {
	frame
	operate.View
	X           explain.Explanation
	Tone, Money string
	Draft       draft
	Token       string
	Back        string
	Created     string
	Sandbox     bool
	Panel, Rest []explain.Field
	// Ways are those in which the money can go back.
	Ways []wayBack
	// Steps are the history, each with its colour.
	Steps []step
	Tells []tell
}

// step is one thing that happened.
type step struct {
	explain.Step
	Tone string
}

// tell is what somebody outside is told of the payment.
type tell struct{ To, Kind, State, Last, When string }

// stepTones are the colours of what says where the money is.
var stepTones = map[string]string{
	"confirmed": "good", "credited": "good", "given_back": "good", "reported": "good",
	"parked": "warn", "doubted": "warn", "refused": "warn", "give_back_unknown": "bad", "report_failed": "warn", "no_answer": "warn", "not_sent": "warn", "not_confirmed": "warn",
	"decided": "wait", "giving_back": "wait", "report_again": "wait", "now": "now",
}

// tones of the answers to "is the money with me?".
var moneyTones = map[explain.Money]string{
	explain.MoneyYes: "good", explain.MoneyNo: "plain", explain.MoneyReturns: "plain", explain.MoneyUnknown: "warn",
}

func (p *page) detail(ref string, d draft) error {
	rec, key, err := p.asked(ref)
	if err != nil {
		return err
	}
	if d.status == 0 {
		d.status = http.StatusOK
		if _, ok := texts["done_"+p.r.URL.Query().Get("done")]; ok {
			d.Done = "done_" + p.r.URL.Query().Get("done")
		}
	}
	v := operate.NewView(p.r.Context(), p.engine, rec, p.lang)
	x := v.Explanation
	page := detailPage{
		frame: p.frame(), View: v, X: x, Tone: tone(rec.State), Money: moneyTones[x.Money], Draft: d,
		Token: formToken(key, p.user, rec.Ref, p.engine.Store.Now().Add(formLife)),
		Back:  p.link(), Created: lang.When(rec.CreatedAt, p.lang), Sandbox: rec.Environment == "sandbox",
	}
	for _, f := range x.Fields {
		if f.Panel {
			page.Panel = append(page.Panel, f)
		} else {
			page.Rest = append(page.Rest, f)
		}
	}
	for _, s := range v.History {
		page.Steps = append(page.Steps, step{s, cmp.Or(stepTones[s.Kind], "plain")})
	}
	if p.role == decider {
		page.Ways = p.waysBack(rec)
	}
	for _, r := range rec.Reports {
		page.Tells = append(page.Tells, tell{r.To, string(r.Kind), page.T("report_" + string(r.State)), r.Last, lang.When(r.Since, p.lang)})
	}
	return p.render(d.status, "detail", page)
}

// errTooLarge: a form is larger than any of ours.
var errTooLarge = errors.New("the form is too large")

// maxForm bounds the body of a decision.
const maxForm = 16 << 10

// post carries a decision out and sends the browser to a page that it may load
// again.
func (p *page) post(ref string) error {
	if err := sameOrigin(p.r); err != nil {
		return err
	}
	p.r.Body = http.MaxBytesReader(p.w, p.r.Body, maxForm)
	var large *http.MaxBytesError
	if err := p.r.ParseForm(); errors.As(err, &large) {
		return errTooLarge
	} else if err != nil {
		return fmt.Errorf("%w: unreadable form", operate.ErrInput)
	}
	form := p.r.PostForm
	rec, key, err := p.asked(ref)
	if err != nil {
		return err
	}
	if err := checkToken(key, p.user, rec.Ref, p.engine.Store.Now(), form.Get("token")); err != nil {
		return err
	}
	version, err := strconv.ParseUint(form.Get("version"), 10, 64)
	if err != nil || version == 0 {
		return fmt.Errorf("%w: no version", operate.ErrInput)
	}
	if kind, ok := kindOf(form.Get("decision")); ok {
		return p.giveBack(rec, kind, version)
	}
	c := operate.Choice{Key: form.Get("decision"), By: p.user, Note: form.Get("note"), Version: version}
	if problem := p.check(rec, c, form.Get("sure") != ""); problem != "" {
		return p.detail(ref, draft{status: http.StatusBadRequest, Key: c.Key, Note: c.Note, Error: p.frame().T(problem)})
	}
	start := time.Now()
	_, err = operate.Decide(p.r.Context(), p.engine, ref, c, p.lang)
	p.h.log.Info("a person decided about a payment", zap.String("user", p.user), zap.String("payment", ref),
		zap.String("decision", c.Key), zap.Duration("took", time.Since(start)), zap.Error(err))
	switch {
	case errors.Is(err, operate.ErrChanged):
		return p.detail(ref, draft{status: http.StatusConflict, Note: c.Note, Error: p.frame().T("changed")})
	case errors.Is(err, operate.ErrNotPossible):
		return p.detail(ref, draft{status: http.StatusConflict, Note: c.Note, Error: p.frame().T("not_possible")})
	case err != nil:
		return err
	}
	return p.redirect(http.StatusSeeOther, "ref", ref, "done", c.Key)
}

// check asks for what a decision needs besides the button. A payment that has
// changed is left to the comparison of versions, which says so.
func (p *page) check(r *payment.Record, c operate.Choice, sure bool) (problem string) {
	if r.Version != c.Version {
		return ""
	}
	for _, d := range explain.Of(r, operate.Facts(p.r.Context(), p.engine, r), p.lang).Decisions {
		switch {
		case d.Key != c.Key:
		case d.Note && operate.Note(c.Note) == "":
			return "note_missing"
		case d.Warn != "" && !sure:
			return "sure_missing"
		}
	}
	return ""
}
