package caddyfile

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// verify reads a verify line and its block.
func (s *siteBlock) verify(d *caddyfile.Dispenser) error {
	mark := block.Mark(d)
	m, provider, err := s.returns(d, "verify")
	if err != nil {
		return err
	}
	v := &handlers.Verify{Match: m, Provider: provider}
	if err := block.Parse(d, "verify", verifyBlock{v}.options()); err != nil {
		return err
	}
	s.handler.Verify = append(s.handler.Verify, v)
	s.verifyMarks = append(s.verifyMarks, mark)
	return nil
}

// verifyBlock is a verify line whose block is being read.
type verifyBlock struct{ *handlers.Verify }

func (v verifyBlock) options() []block.Option {
	return []block.Option{
		block.Word("mode", &v.Mode, "plugin"),
		{Name: "expect", Read: v.readExpect},
		block.Text("order", &v.Order, checkOrder),
		block.Each("bind", &v.Bind, parameter("bind")),
		block.Word("deliver", &v.Deliver, "once", "idempotent"),
		ack(&v.Ack),
		answers("refused", &v.Refused, "preset"),
		block.Word("orders", &v.Orders, "once", "many"),
		answerOption("declined", &v.Declined),
		answerOption("duplicate", &v.Duplicate),
		block.Word("absent", &v.Absent, "deliver", "park"),
		block.Word("bounce", &v.Bounce, "auto", "redirect", "resubmit", "off"),
		block.Duration("timeout", &v.Timeout, 0, "8s"),
	}
}

func (v verifyBlock) readExpect(d *caddyfile.Dispenser) error {
	e := new(handlers.Expect)
	if err := block.OneOf(d, "expect", &e.Mode, "intent", "lookup", "signed", "none"); err != nil {
		if strings.HasPrefix(d.Val(), "announce") {
			return d.Err("what the shop announces is called an intent: write `expect intent`")
		}
		return err
	}
	if e.Mode == "lookup" {
		if !d.NextArg() {
			return d.Err("expect lookup needs the address to ask: expect lookup <url>, with {order} in its path or query")
		}
		e.URL = d.Val()
		if err := checkLookup(e.URL); err != nil {
			return d.Errf("expect lookup: %w", err)
		}
	}
	v.Expect = e
	return nil
}

// checkOrder wants a placeholder of the request. Its short forms, such as {query.order}, are
// long ones by the time that directives are read.
func checkOrder(d *caddyfile.Dispenser, order string) error {
	inner, ok := strings.CutPrefix(order, "{")
	inner, closed := strings.CutSuffix(inner, "}")
	if !ok && !closed && strings.HasPrefix(order, "query.") {
		if !quote.Name(order) {
			order = "query.order"
		}
		return d.Errf("order takes a placeholder: did you mean '{%s}'?", order)
	}
	if !ok || !closed || inner == "" || strings.ContainsAny(inner, "{} ") {
		return d.Err("order takes a placeholder, such as {query.order}")
	}
	if !strings.HasPrefix(inner, "http.") {
		return d.Err("order takes a placeholder of the request, such as {query.order}")
	}
	return nil
}

// ack returns the option that says how the shop confirms.
func ack(to **handlers.Ack) block.Option {
	return block.Option{Name: "ack", Read: func(d *caddyfile.Dispenser) error { return readAck(d, to) }}
}

func readAck(d *caddyfile.Dispenser, to **handlers.Ack) error {
	a := new(handlers.Ack)
	if err := block.OneOf(d, "ack", &a.Mode, "status", "header", "redirect", "relay"); err != nil {
		return err
	}
	if a.Mode == "redirect" {
		if d.CountRemainingArgs() == 0 {
			return d.Err("ack redirect needs a pattern of where the shop redirects to when it has credited, such as */order-received/*")
		}
		patterns, err := block.Args(d)
		if err != nil {
			return err
		}
		for _, p := range patterns {
			if strings.Trim(p, "*") == "" {
				return d.Errf("ack redirect '%s' would take any redirect for a proof, the one to the login page as well", p)
			}
		}
		a.Patterns = patterns
	}
	*to = a
	return nil
}

// answers returns an option that describes answers of the shop's; more are modes beyond
// the common ones.
func answers(name string, to *[]handlers.Refused, more ...string) block.Option {
	return block.Option{Name: name, Many: true, Read: func(d *caddyfile.Dispenser) error { return readAnswers(d, name, to, more...) }}
}

func readAnswers(d *caddyfile.Dispenser, name string, to *[]handlers.Refused, more ...string) error {
	var r handlers.Refused
	if err := block.OneOf(d, name, &r.Mode, append([]string{"redirect", "status", "header"}, more...)...); err != nil {
		return err
	}
	switch {
	case d.CountRemainingArgs() > 0:
	case r.Mode == "preset":
		return d.Errf("%s preset needs the shop's name: %s", name, block.Join(handlers.RefusedPresets(), "or"))
	case name == "refused":
		return d.Errf("refused %s needs a pattern of what the shop answers when it does not take a payment", r.Mode)
	default:
		return d.Errf("%s %s needs a pattern of what the shop answers when it is paid", name, r.Mode)
	}
	patterns, err := block.Args(d)
	if err != nil {
		return err
	}
	r.Patterns = patterns
	if err := r.Check(); err != nil {
		return d.Errf("%s %w", name, err)
	}
	*to = append(*to, r)
	return nil
}

// answerOption returns an option that says what becomes of a return that is not
// delivered.
func answerOption(name string, to **handlers.Answer) block.Option {
	return block.Option{Name: name, Read: func(d *caddyfile.Dispenser) error {
		a := new(handlers.Answer)
		if err := block.OneOf(d, name, &a.Mode, "page", "pass", "redirect"); err != nil {
			return err
		}
		if a.Mode == "redirect" {
			if !d.NextArg() {
				return d.Errf("%s redirect needs where to: a path or an absolute address", name)
			}
			a.To = d.Val()
			if err := checkTarget(a.To); err != nil {
				return d.Errf("%s redirect: %w", name, err)
			}
		}
		*to = a
		return nil
	}}
}
