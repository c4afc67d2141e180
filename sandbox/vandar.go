package sandbox

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ProviderVandar is Vandar's name in the sandbox.
const ProviderVandar = "vandar"

func init() {
	register(gateway{
		name: ProviderVandar, fa: "وندار", en: "Vandar",
		serve:  (*Server).serveVandar,
		fail:   vandarFail,
		fields: vandarReturn,
		low:    1_000,
		window: func(*Options) time.Duration { return 20 * time.Minute },
		number: func(p *payment) string { return p.trackID },
	})
}

// vandarReturn has no other word for "not paid" than FAILED.
func vandarReturn(p *payment, _ bool) object {
	status := "FAILED"
	if p.claim == StatePaid {
		status = "OK"
	}
	return object{{"token", p.id}, {"payment_status", status}}
}

// serveVandar speaks v4, and shows the pay page at its older paths, too.
func (s *Server) serveVandar(w http.ResponseWriter, r *http.Request, seg []string) {
	if len(seg) > 1 && seg[0] == "web" {
		seg = seg[1:]
	}
	if len(seg) >= 2 && (seg[0] == "v4" || seg[0] == "v3" && seg[1] != "business") {
		s.serveBank(w, r, ProviderVandar, seg[1], seg[2:], nil)
		return
	}
	if len(seg) == 6 && seg[0] == "v3" && seg[1] == "business" && seg[3] == "transaction" && seg[5] == "refund" {
		s.serveJSON(w, r, ProviderVandar, s.vandarRefund(seg[4]), func(map[string]any) *answer {
			return unless(s.bearer(r), reply(http.StatusUnauthorized, object{{"status", 0}, {"error", "Unauthenticated."}}))
		})
		return
	}
	calls := map[string]func(map[string]any, *http.Request) call{
		"api/v4/send": s.vandarSend, "api/v4/verify": s.vandarVerify, "api/v4/transaction": s.vandarTransaction,
	}
	s.serveJSON(w, r, ProviderVandar, calls[strings.Join(seg, "/")], func(fields map[string]any) *answer {
		key := text(fields["api_key"])
		return unless(key != "" && accepts(key, s.opts.APIKeys), vandarError("api_key"))
	})
}

func (s *Server) vandarSend(fields map[string]any, r *http.Request) call {
	order, origin := text(fields["factorNumber"]), s.origin(r)
	return call{op: OpCreate, order: order, exec: func() answer {
		low, high := s.limits(ProviderVandar)
		amount, ok := number(fields["amount"])
		callback := text(fields["callback_url"])
		switch {
		case !ok || amount < low || high > 0 && amount > high:
			return vandarError("amount")
		case !goodCallback(callback):
			return vandarError("callback_url")
		case len([]rune(text(fields["description"]))) > 255:
			return vandarError("description")
		}
		p := s.newPayment(ProviderVandar, randomHex(12), amount)
		p.order, p.callback, p.owner = order, callback, fingerprint(text(fields["api_key"]))
		p.trackID = "15" + randomDigits(10)
		p.payer[3] = text(fields["description"])
		s.st.add(p, origin+"/vandar/v4/"+p.id)
		return reply(http.StatusOK, object{{"status", 1}, {"token", p.id}})
	}}
}

// vandarFind looks for the payment that a call names; nil if there is none.
func (s *Server) vandarFind(fields map[string]any) *payment {
	p := s.st.find(ProviderVandar, text(fields["token"]))
	if p == nil || p.owner != fingerprint(text(fields["api_key"])) {
		return nil
	}
	p.checkWindow(s.st.clock(), s.window(ProviderVandar))
	return p
}

func (s *Server) vandarVerify(fields map[string]any, _ *http.Request) call {
	return call{op: OpVerify, subject: text(fields["token"]), exec: func() answer {
		p := s.vandarFind(fields)
		if p == nil {
			return vandarError("token")
		}
		if p.state == StateReversed {
			p.verifyRefused++
			return reply(http.StatusOK, object{{"status", 3}, {"message", "زمان مجاز برای تایید تراکنش گذشته است"}})
		}
		first, ok := p.verify(s.st.clock())
		switch {
		case !ok:
			return vandarError("unpaid")
		case !first:
			return reply(http.StatusOK, object{{"status", 2}, {"message", "تراکنش قبلا تایید شده است"}})
		}
		amount, realAmount, wage := p.vandarMoney()
		return reply(http.StatusOK, object{
			{"status", 1}, {"amount", amount}, {"realAmount", realAmount}, {"wage", wage}, {"transId", p.vandarID()},
			{"factorNumber", orNull(p.order)}, {"mobile", nil}, {"description", p.payer[3]}, {"cardNumber", p.card},
			{"paymentDate", vandarTime(p.paid)}, {"cid", p.hashedCard}, {"message", "ok"},
		})
	}}
}

func (s *Server) vandarTransaction(fields map[string]any, _ *http.Request) call {
	return call{op: OpInquiry, subject: text(fields["token"]), exec: func() answer {
		p := s.vandarFind(fields)
		if p == nil {
			return vandarError("token")
		}
		p.inquiries++
		code, message := 1, "Confirm requierd" // as the document spells it
		switch p.state {
		case StateVerified, StateSettled, StateRefunded:
			code, message = 2, "Confirmed"
		case StatePaid:
		default:
			return vandarError("unpaid")
		}
		return reply(http.StatusOK, object{
			{"status", 1}, {"amount", strconv.FormatInt(p.payable(), 10)}, {"transId", p.vandarID()}, {"refnumber", p.bankRef}, {"trackingCode", p.bankRef[:6]},
			{"factorNumber", orNull(p.order)}, {"mobile", nil}, {"description", p.payer[3]}, {"cardNumber", p.card}, {"CID", p.hashedCard},
			{"createdAt", vandarTime(p.created)}, {"paymentDate", vandarTime(p.paid)}, {"code", code}, {"message", message},
		})
	}}
}

// vandarRefund is of the business API, which knows payments by transId and takes each
// payment_number once only.
func (s *Server) vandarRefund(transaction string) func(map[string]any, *http.Request) call {
	return func(fields map[string]any, _ *http.Request) call {
		return call{op: OpRefund, subject: transaction, exec: func() answer { return s.vandarGiveBack(transaction, fields) }}
	}
}

func (s *Server) vandarGiveBack(transaction string, fields map[string]any) answer {
	at := slices.IndexFunc(s.st.listed, func(p *payment) bool { return p.provider == ProviderVandar && p.trackID == transaction })
	if at < 0 {
		return vandarError("token")
	}
	p := s.st.listed[at]
	amount, ok := number(fields["amount"])
	if fields["amount"] == nil {
		amount, ok = p.settled, true
	}
	key := text(fields["payment_number"])
	if !ok || key != "" && p.given[key] || !p.giveBack(amount, s.st.clock()) {
		return vandarError("amount")
	}
	if p.given == nil {
		p.given = make(map[string]bool)
	}
	p.given[key] = true
	return reply(http.StatusOK, object{{"status", 1}, {"data", object{
		{"message", "عملیات بازگشت وجه با موفقیت ثبت گردید."},
		{"results", list{object{{"id", randomUUID()}, {"gateway_transaction_id", p.vandarID()}, {"amount", amount}, {"payment_number", key}, {"status", "PENDING"}}}},
	}}})
}

// vandarMoney returns the amount that was paid, what the merchant has of it, and the fee,
// as the document's sample writes them: a decimal text, a number, and a text.
func (p *payment) vandarMoney() (amount, realAmount, wage any) {
	switch p.feeType {
	case "buyer":
		return vandarDecimal(p.payable()), p.amount, strconv.FormatInt(p.fee, 10)
	case "merchant":
		return vandarDecimal(p.amount), p.amount - p.fee, strconv.FormatInt(p.fee, 10)
	}
	return vandarDecimal(p.amount), p.amount, nil
}

func vandarDecimal(n int64) string { return strconv.FormatInt(n, 10) + ".00" }

func (p *payment) vandarID() int64 {
	n, _ := strconv.ParseInt(p.trackID, 10, 64)
	return n
}

// vandarTime has no zone; it is chosen: Tehran's.
func vandarTime(t time.Time) any { return inTehran(t, time.DateTime) }

// vandarTexts are worded here: the gateway has no codes, and clients show its texts.
var vandarTexts = map[string]string{
	"api_key": "api_key معتبر نیست", "amount": "amount باید حداقل 1000 باشد", "callback_url": "callback_url معتبر نیست", "description": "description طولانی است",
	"token": "تراکنش یافت نشد", "unpaid": "تراکنش پرداخت نشده است",
}

// vandarError answers with a text; the HTTP status is chosen.
func vandarError(about string) answer {
	return reply(http.StatusUnprocessableEntity, object{{"status", 0}, {"errors", list{cmp.Or(vandarTexts[about], about)}}})
}

// vandarFail returns the fault "error": a state of the document (2, 3), or what a text is
// about.
func vandarFail(code string) answer {
	if n, err := strconv.Atoi(code); err == nil {
		return reply(http.StatusOK, object{{"status", n}, {"message", code}})
	}
	return vandarError(code)
}
