package sandbox

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ProviderZarinpal is Zarinpal's name in the sandbox.
const ProviderZarinpal = "zarinpal"

func init() {
	register(gateway{
		name: ProviderZarinpal, fa: "زرین‌پال", en: "Zarinpal",
		serve:  (*Server).serveZarinpal,
		fail:   func(code string) answer { return zarinpalError(code, nil) },
		fields: zarinpalReturn,
		low:    1_000, high: 1_000_000_000,
		// A window exists, and its length is in no document: none unless it is set.
		window: func(*Options) time.Duration { return 0 },
	})
}

// zarinpalReturn has the same two for everything that is not paid.
func zarinpalReturn(p *payment, _ bool) object {
	status := "NOK"
	if p.claim == StatePaid {
		status = "OK"
	}
	return object{{"Authority", p.id}, {"Status", status}}
}

// serveZarinpal speaks v4, with a slash at the end or without, and shows the pay
// page, also under the suffix of the direct one.
func (s *Server) serveZarinpal(w http.ResponseWriter, r *http.Request, seg []string) {
	if len(seg) >= 3 && seg[0] == "pg" && seg[1] == "StartPay" {
		rest := seg[3:]
		if len(rest) > 0 && rest[0] == "ZarinGate" {
			rest = rest[1:]
		}
		s.serveBank(w, r, ProviderZarinpal, seg[2], rest, nil)
		return
	}
	calls := map[string]func(map[string]any, *http.Request) call{
		"request.json": s.zarinpalCreate, "verify.json": s.zarinpalVerify,
		"inquiry.json": s.zarinpalInquiry, "unVerified.json": s.zarinpalUnverified, "reverse.json": s.zarinpalReverse,
	}
	path, under := strings.CutPrefix(strings.Join(seg, "/"), "pg/v4/payment/")
	makeCall := calls[path]
	if !under {
		makeCall = nil
	}
	if makeCall != nil && r.Method != http.MethodPost {
		// What stands before the API refuses the method, and not in JSON.
		answer{status: http.StatusForbidden, raw: []byte("<html><head><title>403 Forbidden</title></head></html>"), kind: "text/html"}.write(w, time.Now())
		return
	}
	s.serveJSON(w, r, ProviderZarinpal, makeCall, func(fields map[string]any) *answer {
		merchant := text(fields["merchant_id"])
		if utf8.RuneCountInString(merchant) != 36 {
			return unless(false, zarinpalError("-9", list{object{{"merchant_id", "The merchant id must be 36 characters."}}}))
		}
		return unless(accepts(merchant, s.opts.MerchantIDs), zarinpalError("-10", nil))
	})
}

func (s *Server) zarinpalCreate(fields map[string]any, r *http.Request) call {
	metadata, _ := fields["metadata"].(map[string]any)
	order, origin := text(metadata["order_id"]), s.origin(r)
	return call{op: OpCreate, order: order, exec: func() answer {
		unit, known := map[string]int64{"": 1, "IRR": 1, "IRT": 10}[text(fields["currency"])]
		var problems list
		if !known {
			problems = append(problems, object{{"currency", "The selected currency is invalid."}})
		}
		low, high := s.limits(ProviderZarinpal)
		amount, ok := number(fields["amount"])
		if !ok || unit > 0 && amount < (low+unit-1)/unit {
			problems = append(problems, object{{"amount", "The amount must be at least " + strconv.FormatInt(low, 10) + " rials."}})
		}
		callback, description := text(fields["callback_url"]), text(fields["description"])
		if !goodCallback(callback) {
			problems = append(problems, object{{"callback_url", "The callback url format is invalid."}})
		}
		if description == "" || utf8.RuneCountInString(description) > 500 {
			problems = append(problems, object{{"description", "The description field is required, with at most 500 characters."}})
		}
		switch {
		case len(problems) > 0:
			return zarinpalError("-9", problems)
		case high > 0 && amount > high/unit:
			return zarinpalError("-41", nil)
		case !s.zarinpalHost(callback):
			return zarinpalError("-14", nil)
		}
		p := s.newPayment(ProviderZarinpal, zarinpalAuthority(), amount*unit)
		p.hashedCard = strings.ToUpper(p.hashedCard)
		p.order, p.callback, p.owner, p.unit = order, callback, zarinpalOwner(fields), unit
		p.auto = metadata["auto_verify"] == true
		s.st.add(p, origin+"/zarinpal/pg/StartPay/"+p.id)
		return zarinpalData(object{{"code", 100}, {"message", "Success"}, {"authority", p.id}, {"fee_type", p.zarinpalPayer()}, {"fee", p.fee}})
	}}
}

func zarinpalOwner(fields map[string]any) string { return fingerprint(text(fields["merchant_id"])) }

// zarinpalHost compares with the registered domain, where the settings have one.
func (s *Server) zarinpalHost(callback string) bool {
	want := s.st.settings[ProviderZarinpal].CallbackHost
	host, _, _ := strings.Cut(strings.SplitN(callback, "/", 4)[2], ":")
	return want == "" || strings.EqualFold(host, want)
}

// zarinpalAuthority is 36 characters: a letter, zeros, and letters of both cases
// and digits. A client that reads it as a number or folds it finds out.
func zarinpalAuthority() string {
	tail := randomDigits(7) + "wYq" + randomDigits(2)
	return "A" + strings.Repeat("0", 35-len(tail)) + tail
}

// zarinpalFind looks for the payment that a call names, or says what is wrong.
func (s *Server) zarinpalFind(fields map[string]any) (*payment, *answer) {
	authority := text(fields["authority"])
	p := s.st.find(ProviderZarinpal, authority)
	var wrong answer
	switch {
	case len(authority) != 36:
		wrong = zarinpalError("-9", list{object{{"authority", "The authority must be 36 characters."}}})
	case p == nil:
		wrong = zarinpalError("-54", nil)
	case p.owner != zarinpalOwner(fields):
		p.verifyRefused++
		wrong = zarinpalError("-53", nil)
	default:
		s.zarinpalLook(p)
		return p, nil
	}
	return nil, &wrong
}

// zarinpalLook brings a payment up to now: its window, and auto_verify.
func (s *Server) zarinpalLook(p *payment) {
	now := s.st.clock()
	if p.auto && p.state == StatePaid {
		p.verify(now)
	}
	p.checkWindow(now, s.window(ProviderZarinpal))
}

func (s *Server) zarinpalVerify(fields map[string]any, _ *http.Request) call {
	return call{op: OpVerify, subject: text(fields["authority"]), exec: func() answer {
		p, wrong := s.zarinpalFind(fields)
		if wrong != nil {
			return *wrong
		}
		// The number of create, in the unit of create: verify has no currency.
		if amount, ok := number(fields["amount"]); !ok || amount*p.unit != p.amount {
			p.verifyRefused++
			return zarinpalError("-50", nil)
		}
		first, ok := p.verify(s.st.clock())
		code, message := 101, "Verified"
		switch {
		case !ok:
			return zarinpalError("-51", nil)
		case first:
			code, message = 100, "Paid"
		}
		return zarinpalData(p.zarinpalRecord(code, message))
	}}
}

func (p *payment) zarinpalRecord(code int, message string) object {
	ref, _ := strconv.ParseInt(p.bankRef, 10, 64)
	return object{
		{"code", code},
		{"message", message},
		{"card_hash", p.hashedCard},
		{"card_pan", p.card},
		{"ref_id", ref},
		{"fee_type", p.zarinpalPayer()},
		{"fee", p.fee},
		{"shaparak_fee", 1200},
		{"order_id", orNull(p.order)},
		{"wages", nil},
	}
}

func (p *payment) zarinpalPayer() string {
	if p.feeType == "buyer" {
		return "Payer"
	}
	return "Merchant"
}

func (s *Server) zarinpalInquiry(fields map[string]any, _ *http.Request) call {
	return call{op: OpInquiry, subject: text(fields["authority"]), exec: func() answer {
		p, wrong := s.zarinpalFind(fields)
		if wrong != nil {
			return *wrong
		}
		p.inquiries++
		return zarinpalData(object{{"status", p.zarinpalState()}, {"code", 100}, {"message", "Success"}})
	}}
}

// zarinpalReverse undoes a payment for 30 minutes after verify.
func (s *Server) zarinpalReverse(fields map[string]any, _ *http.Request) call {
	return call{op: OpRefund, subject: text(fields["authority"]), exec: func() answer {
		p := s.st.find(ProviderZarinpal, text(fields["authority"]))
		switch {
		case p == nil:
			return zarinpalError("-54", nil)
		case p.owner != zarinpalOwner(fields):
			return zarinpalError("-53", nil)
		}
		s.zarinpalLook(p)
		switch now := s.st.clock(); {
		case p.state != StateVerified && p.state != StateSettled:
			return zarinpalError("-61", nil)
		case !p.undone(now, 30*time.Minute):
			return zarinpalError("-63", nil)
		default:
			p.giveBack(p.settled, now)
		}
		return zarinpalData(object{{"code", 100}, {"message", "Reversed"}})
	}}
}

// zarinpalStates are the words of inquiry; others are IN_BANK.
var zarinpalStates = map[string]string{
	StatePaid: "PAID", StateVerified: "VERIFIED", StateSettled: "VERIFIED", StateDeclined: "FAILED", StateCancelled: "FAILED",
	StateReversed: "REVERSED", StateRefunded: "REVERSED",
}

func (p *payment) zarinpalState() string { return cmp.Or(zarinpalStates[p.state], "IN_BANK") }

// zarinpalUnverified lists at most 100, the newest first. Its code is a text, as in
// the document's sample; amounts are in the unit that the payment was created in.
func (s *Server) zarinpalUnverified(fields map[string]any, _ *http.Request) call {
	return call{op: OpList, exec: func() answer {
		rows := list{}
		for i := len(s.st.listed) - 1; i >= 0 && len(rows) < 100; i-- {
			p := s.st.listed[i]
			if p.provider != ProviderZarinpal || p.owner != zarinpalOwner(fields) {
				continue
			}
			if s.zarinpalLook(p); p.state != StatePaid {
				continue
			}
			rows = append(rows, object{
				{"authority", p.id},
				{"amount", p.amount / p.unit},
				{"callback_url", p.callback},
				{"referer", ""},
				{"date", p.paid.UTC().Format(time.DateTime)},
			})
		}
		return zarinpalData(object{{"code", "100"}, {"message", "Success"}, {"authorities", rows}})
	}}
}

// zarinpalTexts words the table; the codes are what clients read.
var zarinpalTexts = map[string]string{
	"-9":  "The input params invalid, validation error.",
	"-10": "Terminal is not valid, please check merchant_id or ip address.",
	"-11": "Terminal is not active, please contact our support team.",
	"-12": "To many attempts, please try again later.",
	"-14": "The callback url is not the registered one.",
	"-41": "The amount is above the greatest one.",
	"-50": "Session is not valid, amounts values is not the same.",
	"-51": "Session is not valid, session is not active paid try.",
	"-52": "Oops!!, please contact our support team.",
	"-53": "Session is not this merchant_id session.",
	"-54": "Invalid authority.",
	"-55": "The payment was not found.",
	"-60": "The session can not be reversed.",
	"-61": "The session is not successful or was reversed before.",
	"-62": "The terminal's address is not set.",
	"-63": "The time for reversing is over.",
}

// zarinpalData answers with a success, beside which there are no errors.
func zarinpalData(data object) answer {
	return reply(http.StatusOK, object{{"data", data}, {"errors", list{}}})
}

// zarinpalError: the other member is an empty list then. Only 422 for −9 is told by
// others; the rest of the statuses is chosen.
func zarinpalError(code string, validations list) answer {
	status := http.StatusBadRequest
	switch code {
	case "-9":
		status = http.StatusUnprocessableEntity
	case "-10", "-11":
		status = http.StatusUnauthorized
	}
	message := cmp.Or(zarinpalTexts[code], "Error "+code)
	n, err := strconv.Atoi(code)
	if err != nil {
		n = -52
	}
	return reply(status, object{
		{"data", list{}},
		{"errors", object{{"message", message}, {"code", n}, {"validations", append(list{}, validations...)}}},
	})
}
