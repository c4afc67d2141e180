package providertest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// RelaySuite describes a dialect to [RunRelay].
type RelaySuite struct {
	// New makes a provisioned provider that calls base, a plain http address on
	// loopback.
	New func(t testing.TB, base string) payment.Relayer
	// Calls are calls as the document or a plugin has them.
	Calls []RelayExample
	// Record is a verified payment with everything that a receipt can have.
	Record *payment.Record
	// Created is the document's answer to a create, with the id of Record.
	Created string
	// Again is what a repeated verify is read as: OutcomeAgain, or OutcomePaid where
	// the document knows no difference.
	Again payment.Outcome
	// Reads are what plugins look at, by word and dotted name, as text.
	Reads map[payment.RelayWord]map[string]string
	// Silent are the members of a receipt that an answer of this dialect can't tell.
	Silent []string
}

// RelayExample is one call and what it says.
type RelayExample struct {
	Name string
	Call payment.RelayCall
	Ask  payment.RelayAsk
	// Owner is whose it is; only looked at where Call has a body or header.
	Owner payment.RelayOwner
	// Malformed names the field that is wrong.
	Malformed string
}

// nowhere is an address that nothing is called at.
const nowhere = "http://127.0.0.1:1"

// RunRelay runs the whole suite.
func RunRelay(t *testing.T, s RelaySuite) {
	t.Run("calls", s.calls)
	t.Run("words", s.words)
	t.Run("hostile", s.hostile)
}

func (s RelaySuite) calls(t *testing.T) {
	p := s.New(t, nowhere)
	kinds := map[payment.RelayKind]bool{}
	for _, c := range s.Calls {
		if c.Call.Method == "" {
			c.Call.Method = http.MethodPost
		}
		kind := p.Dialect().Kind(c.Call.Method, c.Call.Path)
		kinds[kind] = true
		if kind == payment.RelayUnknown {
			t.Errorf("%s: %s %s is not in the dialect", c.Name, c.Call.Method, c.Call.Path)
			continue
		}
		ask, err := p.ReadCall(kind, c.Call)
		if c.Malformed != "" {
			if !errors.Is(err, payment.ErrMalformed) || !strings.Contains(err.Error(), c.Malformed) {
				t.Errorf("%s: %+v, %v", c.Name, ask, err)
			}
			continue
		}
		if err != nil || ask != c.Ask {
			t.Errorf("%s: %+v, %v, want %+v", c.Name, ask, err, c.Ask)
		}
		if proves := p.Protocol().ProvesInReturn && ask.Kind == payment.RelayVerify; proves != (ask.Proof != "") {
			t.Errorf("%s: its proof is %q: without it, nobody can ask again", c.Name, ask.Proof)
		}
		if len(c.Call.Body) == 0 && len(c.Call.Header) == 0 {
			continue
		}
		if owner, err := p.Owns(c.Call); err != nil || owner != c.Owner {
			t.Errorf("%s: owner %v, %v, want %v", c.Name, owner, err, c.Owner)
		}
	}
	for _, r := range p.Dialect().Routes {
		if !kinds[r.Kind] {
			t.Errorf("no example of %s", r.Kind)
		}
	}
	if page := p.(payment.PayPager).PageOf(s.Record.ID); !strings.Contains(page, s.Record.ID) || !strings.HasPrefix(page, "http") {
		t.Errorf("the page of a payment: %s", page)
	}
	id, ok := p.ReadCreated(payment.RelayReply{Status: http.StatusOK, Body: []byte(s.Created)})
	if !ok || id != s.Record.ID {
		t.Errorf("create: %q, %v", id, ok)
	}
}

// words writes each answer and reads it back as the provider's own client does.
func (s RelaySuite) words(t *testing.T) {
	p := s.New(t, nowhere)
	ask := payment.RelayAsk{Kind: payment.RelayVerify, ID: s.Record.ID}
	for word, c := range map[payment.RelayWord]struct {
		status  int
		outcome payment.Outcome
	}{
		payment.RelayFirst: {http.StatusOK, payment.OutcomePaid}, payment.RelayAgain: {0, s.Again},
		payment.RelayAwaiting: {}, payment.RelayOtherAmount: {}, payment.RelayDown: {http.StatusServiceUnavailable, payment.OutcomeUnknown},
		payment.RelayNoSuchCall: {http.StatusNotImplemented, payment.OutcomeUnknown}, payment.RelayForbidden: {http.StatusForbidden, payment.OutcomeOperator},
		payment.RelayUnreadable: {http.StatusBadRequest, 0}, payment.RelayNoPayment: {0, payment.OutcomeRefused},
	} {
		r := p.WriteReply(word, ask, s.Record)
		a := p.ReadVerified(r)
		if c.status != 0 && r.Status != c.status || !json.Valid(r.Body) || !strings.HasPrefix(r.Type, "application/json") {
			t.Errorf("word %d: %d %s %s", word, r.Status, r.Type, r.Body)
		}
		switch word {
		case payment.RelayFirst, payment.RelayAgain:
			if a.Outcome != c.outcome {
				t.Errorf("word %d is read as %+v: %s", word, a, r.Body)
			}
			s.same(t, a.Receipt, word)
		default:
			if word == payment.RelayAwaiting {
				s.awaiting(t, r)
			} else if a.Outcome == payment.OutcomePaid || a.Outcome == payment.OutcomeAgain || a.Receipt != nil {
				t.Errorf("word %d is read as paid: %+v: %s", word, a, r.Body)
			}
			if c.outcome != 0 && a.Outcome != c.outcome {
				t.Errorf("word %d is read as %+v: %s", word, a, r.Body)
			}
		}
		if o := p.ReadGivenBack(r); word == payment.RelayNoPayment && o == payment.OutcomePaid {
			t.Errorf("word %d is read as given back: %s", word, r.Body)
		}
		// None of our answers to a create is a payment that was made.
		if id, made := p.ReadCreated(r); made && (word == payment.RelayDown || word == payment.RelayNoSuchCall || word == payment.RelayForbidden || word == payment.RelayUnreadable || word == payment.RelayNoPayment) {
			t.Errorf("word %d is read as a create of %s", word, id)
		}
		for name, want := range s.Reads[word] {
			if got := dotted(t, r.Body, name); got != want {
				t.Errorf("word %d: %s is %q, want %q", word, name, got, want)
			}
		}
		// Words about no payment, and about one without a receipt, are JSON too.
		for _, rec := range []*payment.Record{nil, {ID: "x"}} {
			if r := p.WriteReply(word, ask, rec); !json.Valid(r.Body) {
				t.Errorf("word %d without a payment: %s", word, r.Body)
			}
		}
	}
}

// awaiting asks a provider that answers an inquiry like this.
func (s RelaySuite) awaiting(t *testing.T, r payment.RelayReply) {
	t.Helper()
	base, _ := server(t, reply(r.Status, r.Type, string(r.Body)))
	inquirer, ok := s.New(t, base).(payment.Inquirer)
	if !ok {
		return
	}
	a := inquirer.Inquire(t.Context(), payment.Query{ID: s.Record.ID, Order: s.Record.Order, Amount: s.Record.Price(), Proof: "1"})
	if a.Outcome != payment.OutcomeAwaiting {
		t.Errorf("an inquiry reads it as %+v: %s", a, r.Body)
	}
}

// same compares what our own answer says with the receipt that it was made from.
func (s RelaySuite) same(t *testing.T, got *payment.Receipt, word payment.RelayWord) {
	t.Helper()
	want := s.Record.Receipt
	if got == nil {
		t.Errorf("word %d: no receipt", word)
		return
	}
	if word == payment.RelayAgain && got.Amount == 0 && got.Reference == "" {
		return // the document has nothing but the word
	}
	silent := strings.Join(s.Silent, " ")
	for name, pair := range map[string][2]any{
		"amount": {got.Amount, want.Amount}, "reference": {got.Reference, want.Reference}, "card": {got.Card, want.Card}, "paid_at": {got.PaidAt.Unix(), want.PaidAt.Unix()},
	} {
		if pair[0] != pair[1] && !strings.Contains(silent, name) {
			t.Errorf("word %d: %s is %v, want %v", word, name, pair[0], pair[1])
		}
	}
}

func dotted(t testing.TB, body []byte, name string) string {
	var v any = tree(t, string(body))
	for key := range strings.SplitSeq(name, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	if v == nil {
		return "null"
	}
	return fmt.Sprint(v)
}

// hostile feeds odd calls: each is an error or is read, and none panics; a stranger's
// credentials are a stranger's.
func (s RelaySuite) hostile(t *testing.T) {
	p := s.New(t, nowhere)
	for _, c := range s.Calls {
		if c.Call.Method == "" {
			c.Call.Method = http.MethodPost
		}
		kind := p.Dialect().Kind(c.Call.Method, c.Call.Path)
		for _, body := range []string{"", "{", "[]", "null", "{}", `{"a":1,"a":2}`, "a=1&a=2", "%zz", "\xff", strings.Repeat("[", 70_000)} {
			call := c.Call
			call.Body, call.Header = []byte(body), nil
			ask, err := p.ReadCall(kind, call)
			if err != nil && !errors.Is(err, payment.ErrMalformed) {
				t.Errorf("%s %.20q: %v", c.Name, body, err)
			}
			if err == nil && ask.Amount() != 0 {
				t.Errorf("%s %.20q: an amount of nothing: %+v", c.Name, body, ask)
			}
			if owner, err := p.Owns(call); owner == payment.RelayOwn || err != nil && !errors.Is(err, payment.ErrMalformed) {
				t.Errorf("%s %.20q: owner %v, %v", c.Name, body, owner, err)
			}
		}
	}
	for _, path := range []string{"/", "", "//", "/..", "/%2e%2e/", "/api/other", "/v1/../v1/verify", "/wp-admin"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
			if kind := p.Dialect().Kind(method, path); kind != payment.RelayUnknown {
				t.Errorf("%s %s is %s", method, path, kind)
			}
		}
	}
}
