package sandbox

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ProviderSama is Sama's name in the sandbox.
const ProviderSama = "sama"

func init() {
	register(gateway{
		name: ProviderSama, fa: "سما", en: "Sama",
		serve:  (*Server).serveSama,
		fail:   func(code string) answer { return samaError(code, nil) },
		fields: samaReturn,
		low:    10_000, high: 50_000_000,
		window: func(*Options) time.Duration { return 0 }, // none is documented
	})
}

// samaReturn is not documented: it is the return of the gateway whose API Sama's
// follows.
func samaReturn(p *payment, _ bool) object {
	status := "NOK"
	if p.claim == StatePaid {
		status = "OK"
	}
	return object{{"Authority", p.id}, {"Status", status}}
}

// serveSama speaks Sama v2. Its paths end in a slash, as documented; without
// it they do not exist. Create's answer and the pay page are not documented:
// here they are Zarinpal's, whose API Sama's visibly follows.
func (s *Server) serveSama(w http.ResponseWriter, r *http.Request, seg []string) {
	if len(seg) >= 3 && seg[0] == "pg" && seg[1] == "StartPay" {
		s.serveBank(w, r, ProviderSama, strings.ToLower(seg[2]), seg[3:], nil)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/") {
		notFound(w)
		return
	}
	calls := map[string]func(map[string]any, *http.Request) call{
		"api/pg/v2/payment/request.json": s.samaCreate, "api/pg/v2/payment/verify.json": s.samaVerify,
	}
	s.serveJSON(w, r, ProviderSama, calls[strings.Join(seg, "/")], func(fields map[string]any) *answer {
		return unless(accepts(text(fields["merchant_id"]), s.opts.MerchantIDs), samaError("not_authenticated", nil))
	})
}

func (s *Server) samaCreate(fields map[string]any, r *http.Request) call {
	metadata, _ := fields["metadata"].(map[string]any)
	order, origin := text(metadata["order_id"]), s.origin(r)
	return call{op: OpCreate, order: order, exec: func() answer {
		amount, problems := s.samaAmount(fields["amount"])
		callback := text(fields["callback_url"])
		if !goodCallback(callback) {
			problems = append(problems, object{{"callback_url", "Enter a valid URL."}})
		}
		if currency := text(fields["currency"]); currency != "" && currency != "IRR" {
			problems = append(problems, object{{"currency", strconv.Quote(currency) + " is not a valid choice."}})
		}
		if len(problems) > 0 {
			return samaError("-9", problems)
		}
		p := s.newPayment(ProviderSama, randomUUID(), amount)
		p.hashedCard = strings.ToUpper(p.hashedCard)
		p.order, p.callback = order, callback
		p.owner = fingerprint(text(fields["merchant_id"]))
		s.st.add(p, origin+"/sama/pg/StartPay/"+p.id)

		c := s.st.settings[ProviderSama]
		data := object{{"code", 100}, {"message", "Success"}, {"authority", p.id}}
		if c.PaymentURL != nil && *c.PaymentURL {
			data = append(data, member{"payment_url", p.link})
		}
		return reply(cmp.Or(c.CreateStatus, http.StatusOK), object{{"data", data}, {"errors", list{}}})
	}}
}

func (s *Server) samaVerify(fields map[string]any, _ *http.Request) call {
	authority := strings.ToLower(text(fields["authority"]))
	return call{op: OpVerify, subject: authority, exec: func() answer {
		p := s.st.find(ProviderSama, authority)
		refuse := func(code string, problems list) answer { return p.refused(samaError(code, problems)) }
		var problems list
		if !isUUID(authority) {
			problems = append(problems, object{{"authority", "Must be a valid UUID."}})
		}
		amount, wrong := s.samaAmount(fields["amount"])
		if problems = append(problems, wrong...); len(problems) > 0 {
			return refuse("-9", problems)
		}
		if p == nil || p.owner != fingerprint(text(fields["merchant_id"])) {
			// Not documented. Nothing was paid under that authority, and
			// that is a code which the document has.
			return refuse("40131", nil)
		}
		if amount != p.amount {
			// Not documented either. "Not paid" would be untrue.
			return refuse("-9", list{object{{"amount", "The amount is not that of the payment."}}})
		}
		p.checkWindow(s.st.clock(), s.window(ProviderSama))
		first, ok := p.verify(s.st.clock())
		switch {
		case !ok:
			return samaError("40131", nil)
		case first:
			return reply(http.StatusOK, p.samaRecord(100, "Paid"))
		}
		return reply(http.StatusOK, p.samaRecord(101, "Verified"))
	}}
}

func (p *payment) samaRecord(code int, message string) object {
	return object{
		{"data", object{
			{"code", code},
			{"message", message},
			{"card_hash", p.hashedCard},
			{"card_pan", p.card},
			{"ref_id", p.bankRef},
			{"fee_type", p.feeType},
			{"fee", p.fee},
		}},
		{"errors", list{}},
	}
}

// samaAmount reads an amount within the limits, or says what is wrong with it.
func (s *Server) samaAmount(v any) (int64, list) {
	low, high := s.limits(ProviderSama)
	amount, ok := number(v)
	message := ""
	switch {
	case !ok:
		message = "A valid integer is required."
	case high > 0 && amount > high:
		message = "مطمئن شوید این مقدار کوچکتر و یا مساوی " + rials(high) + " است."
	case amount < low:
		message = "مطمئن شوید این مقدار بزرگتر و یا مساوی " + rials(low) + " است."
	default:
		return amount, nil
	}
	return 0, list{object{{"amount", message}}}
}

// samaError answers with a documented error; validations may be nil.
func samaError(code string, validations list) answer {
	status, message := http.StatusBadRequest, "The input params invalid, validation error."
	switch code {
	case "not_authenticated":
		status, message = http.StatusUnauthorized, "اطلاعات برای اعتبارسنجی ارسال نشده است."
	case "40131":
		message = "پرداخت انجام نشده است"
	}
	return reply(status, object{
		{"data", list{}},
		{"errors", object{{"code", code}, {"message", message}, {"validations", append(list{}, validations...)}}},
	})
}
