package sandbox

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ProviderZibal is Zibal's name in the sandbox.
const ProviderZibal = "zibal"

func init() {
	register(gateway{
		name: ProviderZibal, fa: "زیبال", en: "Zibal",
		serve:  (*Server).serveZibal,
		fail:   zibalFail,
		fields: zibalReturn,
		low:    1_000,
		// Whether there is a window is told in two ways: none unless it is set.
		window: func(*Options) time.Duration { return 0 },
	})
}

// zibalReturn has orderId only if create had one.
func zibalReturn(p *payment, _ bool) object {
	success, status := "1", "2"
	switch p.claim {
	case StateDeclined:
		success, status = "0", "5"
	case StateCancelled:
		success, status = "0", "3"
	}
	fields := object{{"success", success}, {"trackId", p.id}}
	if p.order != "" {
		fields = append(fields, member{"orderId", p.order})
	}
	return append(fields, member{"status", status})
}

// serveZibal speaks v1, also at the older paths without it, and shows the pay page,
// also the direct one.
func (s *Server) serveZibal(w http.ResponseWriter, r *http.Request, seg []string) {
	if len(seg) >= 2 && seg[0] == "start" {
		rest := seg[2:]
		if len(rest) > 0 && rest[0] == "direct" {
			rest = rest[1:]
		}
		s.serveBank(w, r, ProviderZibal, seg[1], rest, nil)
		return
	}
	path := strings.Join(seg, "/")
	platform := map[string]func(map[string]any, *http.Request) call{
		"v1/account/refund": s.zibalRefund, "v1/gateway/report/transaction": s.zibalReport,
	}
	if platform[path] != nil {
		s.serveJSON(w, r, ProviderZibal, platform[path], func(map[string]any) *answer { return unless(s.bearer(r), zibalResult(3)) })
		return
	}
	calls := map[string]func(map[string]any, *http.Request) call{
		"request": s.zibalCreate, "verify": s.zibalVerify, "inquiry": s.zibalInquiry,
	}
	s.serveJSON(w, r, ProviderZibal, calls[strings.TrimPrefix(path, "v1/")], func(fields map[string]any) *answer {
		return unless(accepts(text(fields["merchant"]), s.opts.MerchantIDs), zibalResult(102))
	})
}

func (s *Server) zibalCreate(fields map[string]any, r *http.Request) call {
	order, origin := text(fields["orderId"]), s.origin(r)
	return call{op: OpCreate, order: order, exec: func() answer {
		low, high := s.limits(ProviderZibal)
		amount, ok := number(fields["amount"])
		callback := text(fields["callbackUrl"])
		switch {
		case !ok || amount < low:
			return zibalResult(105)
		case high > 0 && amount > high:
			return zibalResult(113)
		case !goodCallback(callback):
			return zibalResult(106)
		}
		p := s.newPayment(ProviderZibal, randomDigits(11), amount)
		p.order, p.callback = order, callback
		p.payer[3] = text(fields["description"])
		p.owner = fingerprint(text(fields["merchant"]))
		p.sandbox = text(fields["merchant"]) == "zibal"
		s.st.add(p, origin+"/zibal/start/"+p.id)
		id, _ := strconv.ParseInt(p.id, 10, 64)
		return reply(http.StatusOK, object{{"trackId", id}, {"result", 100}, {"message", "success"}})
	}}
}

// zibalFind looks for the payment that a call names, or says what is wrong.
func (s *Server) zibalFind(fields map[string]any) (*payment, *answer) {
	var wrong answer
	id, isNumber := fields["trackId"].(json.Number)
	p := s.st.find(ProviderZibal, id.String())
	switch {
	case !isNumber && fields["trackId"] != nil:
		// A text where a number should be was seen to end like this.
		wrong = reply(http.StatusInternalServerError, object{{"statusCode", 500}, {"message", "Internal Server Error"}})
	case p == nil || p.owner != fingerprint(text(fields["merchant"])):
		wrong = p.refused(zibalResult(203))
	default:
		p.checkWindow(s.st.clock(), s.window(ProviderZibal))
		return p, nil
	}
	return nil, &wrong
}

func (s *Server) zibalVerify(fields map[string]any, _ *http.Request) call {
	return call{op: OpVerify, subject: text(fields["trackId"]), exec: func() answer {
		p, wrong := s.zibalFind(fields)
		if wrong != nil {
			return *wrong
		}
		first, ok := p.verify(s.st.clock())
		switch {
		case !ok:
			return zibalResult(202)
		case !first:
			return zibalResult(201) // and nothing else: inquiry has the details
		}
		return reply(http.StatusOK, append(p.zibalRecord(), member{"multiplexingInfos", list{}}))
	}}
}

func (s *Server) zibalInquiry(fields map[string]any, _ *http.Request) call {
	return call{op: OpInquiry, subject: text(fields["trackId"]), exec: func() answer {
		p, wrong := s.zibalFind(fields)
		if wrong != nil {
			return *wrong
		}
		p.inquiries++
		return reply(http.StatusOK, append(p.zibalRecord(), object{
			{"createdAt", zibalTime(p.created)},
			{"verifiedAt", zibalTime(p.verified)},
			{"wage", p.fee},
		}...))
	}}
}

// zibalRefund is of the platform's API. Its results are few: 1 is done; what it says of an
// amount that isn't there is chosen.
func (s *Server) zibalRefund(fields map[string]any, _ *http.Request) call {
	return call{op: OpRefund, subject: text(fields["trackId"]), exec: func() answer {
		p := s.st.find(ProviderZibal, text(fields["trackId"]))
		amount, ok := number(fields["amount"])
		if p != nil && fields["amount"] == nil {
			amount, ok = p.settled, true
		}
		if p == nil || !ok || !p.giveBack(amount, s.st.clock()) {
			return zibalResult(2)
		}
		return reply(http.StatusOK, object{{"result", 1}, {"message", "success"}, {"data", object{{"refundId", randomDigits(8)}, {"amount", amount}}}})
	}}
}

// zibalRecord returns what verify and inquiry say of a payment.
func (p *payment) zibalRecord() object {
	var ref, card any
	if !p.paid.IsZero() {
		n, _ := strconv.ParseInt(p.bankRef, 10, 64)
		ref, card = n, p.card
	}
	return object{
		{"message", "success"},
		{"result", 100},
		{"refNumber", ref},
		{"paidAt", zibalTime(p.paid)},
		{"status", p.zibalStatus()},
		{"amount", p.amount},
		{"orderId", orNull(p.order)},
		{"description", p.payer[3]},
		{"cardNumber", card},
	}
}

// zibalTime has no zone and microseconds; the zone is chosen: Tehran's.
func zibalTime(t time.Time) any { return inTehran(t, "2006-01-02T15:04:05.000000") }

// zibalStates are the numbers of the document's table; others are −1.
var zibalStates = map[string]int{
	StateVerified: 1, StateSettled: 1, StatePaid: 2, StateCancelled: 3, StateDeclined: 5, StateRefunded: 15, StateReversed: 18,
}

func (p *payment) zibalStatus() int { return cmp.Or(zibalStates[p.state], -1) }

// zibalFail returns the fault "error": a result of the table.
func zibalFail(code string) answer {
	n, err := strconv.Atoi(code)
	if err != nil {
		n = 104
	}
	return zibalResult(n)
}

// zibalTexts words the table; the results are what clients read.
var zibalTexts = map[int]string{
	102: "merchant not found", 103: "merchant is inactive", 104: "merchant is invalid", 105: "amount must be greater than 1,000",
	106: "callbackUrl is invalid", 113: "amount is over the limit", 115: "the IP address is not registered",
	201: "already verified", 202: "the order is not paid or was not successful", 203: "trackId is invalid",
}

// zibalResult answers with a result alone.
func zibalResult(n int) answer {
	return reply(http.StatusOK, object{{"result", n}, {"message", cmp.Or(zibalTexts[n], "error "+strconv.Itoa(n))}})
}
