package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ProviderPayPing is PayPing's name in the sandbox.
const ProviderPayPing = "payping"

func init() {
	register(gateway{
		name: ProviderPayPing, fa: "پی پینگ", en: "PayPing",
		serve:  (*Server).servePayPing,
		fail:   payPingError,
		fields: payPingReturn,
		low:    1000,
		window: func(*Options) time.Duration { return 10 * time.Minute },
		number: func(p *payment) string { return p.trackID },
	})
}

// payPingReturn is documented: the payment is a JSON text in one field.
func payPingReturn(p *payment, _ bool) object {
	if p.claim != StatePaid {
		data := object{{"clientRefId", p.order}, {"paymentCode", p.id}, {"paymentRefId", 0}, {"amount", p.amount / 10}}
		return object{{"status", "0"}, {"errorCode", "127"}, {"data", string(appendJSON(nil, data))}}
	}
	data := p.payPingRecord("clientRefId", "paymentCode", "paymentRefId", "amount", "gatewayAmount", "cardNumber", "cardHashPan")
	return object{{"status", "1"}, {"errorCode", ""}, {"data", string(appendJSON(nil, data))}}
}

// payPingRecord returns what PayPing tells of a payment, under the given names and in
// toman.
func (p *payment) payPingRecord(names ...string) object {
	ref, _ := strconv.ParseInt(p.trackID, 10, 64)
	values := map[string]any{
		"clientrefid": p.order, "paymentcode": p.id, "code": p.id, "paymentrefid": ref,
		"amount": p.amount / 10, "gatewayamount": p.payable() / 10, "cardnumber": p.card, "cardhashpan": p.hashedCard,
		"payeddate": p.paid.UTC().Format("2006-01-02 15:04:05Z"), "payerwage": (p.payable() - p.amount) / 10, "businesswage": 0, "paypingvat": 0,
	}
	var out object
	for _, name := range names {
		out = append(out, member{name, values[strings.ToLower(name)]})
	}
	return out
}

// servePayPing speaks PayPing v3, and the report of v1.
func (s *Server) servePayPing(w http.ResponseWriter, r *http.Request, seg []string) {
	if len(seg) >= 4 && strings.Join(seg[:3], "/") == "v3/pay/start" {
		s.serveBank(w, r, ProviderPayPing, seg[3], seg[4:], nil)
		return
	}
	calls := map[string]func(map[string]any, *http.Request) call{
		"v3/pay": s.payPingCreate, "v3/pay/verify": s.payPingVerify, "v3/pay/reverse": s.payPingReverse,
	}
	denied := unless(s.bearer(r), payPingProblem(http.StatusUnauthorized, nil, "توکن معتبر نیست"))
	if len(seg) != 3 || seg[0] != "v1" || seg[1] != "report" {
		s.serveJSON(w, r, ProviderPayPing, calls[strings.Join(seg, "/")], func(map[string]any) *answer { return denied })
		return
	}
	if r.Method != http.MethodGet {
		methodNotAllowed(w, http.MethodGet)
		return
	}
	s.serveUnless(w, r, denied, s.payPingReport(seg[2], payPingOwner(r)))
}

// payPingOwner is who has the token of a call.
func payPingOwner(r *http.Request) string {
	return fingerprint(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
}

func (s *Server) payPingCreate(fields map[string]any, r *http.Request) call {
	order, origin := text(fields["clientRefId"]), s.origin(r)
	return call{op: OpCreate, order: order, exec: func() answer {
		amount, ok := number(fields["amount"])
		low, high := s.limits(ProviderPayPing)
		callback := text(fields["returnUrl"])
		switch {
		case !ok || amount > 1<<50 || amount*10 < low || high > 0 && amount*10 > high:
			return payPingProblem(http.StatusBadRequest, nil, "مبلغ معتبر نیست")
		case !goodCallback(callback):
			return payPingProblem(http.StatusBadRequest, nil, "آدرس بازگشت معتبر نیست")
		}
		p := s.newPayment(ProviderPayPing, randomHex(6), amount*10)
		p.order, p.callback, p.owner = order, callback, payPingOwner(r)
		p.reversible = fields["isReversible"] == true
		s.st.add(p, origin+"/payping/v3/pay/start/"+p.id)
		return reply(http.StatusOK, append(object{{"paymentCode", p.id}, {"url", p.link}}, p.payPingRecord("amount", "payerWage", "businessWage", "gatewayAmount", "paypingVat")...))
	}}
}

func (s *Server) payPingVerify(fields map[string]any, r *http.Request) call {
	id, owner := text(fields["paymentCode"]), payPingOwner(r)
	return call{op: OpVerify, subject: id, exec: func() answer {
		p := s.st.find(ProviderPayPing, id)
		refuse := func(code string) answer { return p.refused(payPingError(code)) }
		ref, amount := text(fields["paymentRefId"]), text(fields["amount"])
		switch {
		case id == "" || ref == "" || amount == "":
			// All three are required.
			return p.refused(payPingProblem(http.StatusBadRequest, nil, "paymentRefId, paymentCode, amount"))
		case p == nil || p.owner != owner:
			return refuse("122")
		}
		p.checkWindow(s.st.clock(), s.window(ProviderPayPing))
		switch {
		case p.state == StateCancelled || p.state == StateReversed || p.state == StateRefunded:
			return refuse("127")
		case p.unpaid():
			return refuse("121")
		case p.trackID != ref:
			return refuse("122")
		case amount != rials(p.amount/10):
			return refuse("137")
		}
		if first, _ := p.verify(s.st.clock()); !first {
			// The document writes the payment of a repeated verify in PascalCase.
			return reply(http.StatusConflict, object{
				{"title", "Conflict"}, {"status", http.StatusConflict},
				{"metaData", object{{"code", 110}, {"message", p.payPingRecord("Amount", "GatewayAmount", "ClientRefId", "PaymentRefId", "Code", "PayedDate", "CardNumber", "CardHashPan")}}},
			})
		}
		return reply(http.StatusOK, p.payPingRecord("amount", "cardNumber", "cardHashPan", "clientRefId", "paymentRefId", "code", "payedDate", "payerWage", "businessWage", "gatewayAmount", "paypingVat"))
	}}
}

// payPingReverse undoes a payment that was created as one that can be, for 30
// minutes after verify. Its answer is chosen.
func (s *Server) payPingReverse(fields map[string]any, r *http.Request) call {
	id, owner := text(fields["paymentCode"]), payPingOwner(r)
	return call{op: OpRefund, subject: id, exec: func() answer {
		p := s.st.find(ProviderPayPing, id)
		switch now := s.st.clock(); {
		case p == nil || p.owner != owner || p.trackID != text(fields["paymentRefId"]):
			return payPingError("122")
		case p.unpaid() || p.state == StatePaid:
			return payPingError("121")
		case !p.reversible:
			return payPingError("134")
		case !p.undone(now, 30*time.Minute):
			return payPingError("135")
		default:
			p.giveBack(p.settled, now)
		}
		return reply(http.StatusOK, p.payPingRecord("code", "paymentRefId", "amount"))
	}}
}

// payPingReport tells a payment's state and settles nothing.
func (s *Server) payPingReport(id, owner string) call {
	return call{provider: ProviderPayPing, op: OpInquiry, subject: id, exec: func() answer {
		p := s.st.find(ProviderPayPing, id)
		if p == nil || p.owner != owner {
			return payPingError("122")
		}
		p.inquiries++
		p.checkWindow(s.st.clock(), s.window(ProviderPayPing))
		status, paid := 0, false
		switch p.state {
		case StateOpened:
			status = 2
		case StateCancelled, StateReversed, StateRefunded:
			status = 3
		case StateDeclined:
			status = 4
		case StatePaid:
			status, paid = 5, true
		case StateVerified, StateSettled:
			status, paid = 1, true
		}
		out := object{{"isPaid", paid}, {"paymentStatus", status}}
		return reply(http.StatusOK, append(out, p.payPingRecord("code", "clientRefId", "amount")...))
	}}
}

var payPingErrors = map[string]string{
	"104": "مبلغ در حالت آزمایشی مجاز نیست", "109": "در حال پردازش", "112": "تعداد در حالت آزمایشی مجاز نیست",
	"121": "پرداخت انجام نشده است", "122": "پرداخت یافت نشد", "123": "پیش از این تایید شده است",
	"127": "پرداخت لغو شده یا مهلت آن گذشته است", "134": "پرداخت برگشت‌پذیر نیست", "135": "مهلت برگشت گذشته است", "137": "مبلغ صحیح نیست", "155": "در حال پردازش",
}

func payPingError(code string) answer {
	n, err := strconv.Atoi(code)
	if err != nil {
		n = 109
	}
	status := http.StatusBadRequest
	if n == 122 {
		status = http.StatusNotFound
	}
	return payPingProblem(status, n, payPingErrors[strconv.Itoa(n)])
}

// payPingProblem returns an error in the form of RFC 7807.
func payPingProblem(status int, code any, message string) answer {
	meta := object{{"errors", list{object{{"message", message}}}}}
	if code != nil {
		meta = append(object{{"code", code}}, meta...)
	}
	return reply(status, object{
		{"title", http.StatusText(status)}, {"status", status}, {"detail", message}, {"paypingTraceId", randomHex(8)}, {"metaData", meta},
	})
}
