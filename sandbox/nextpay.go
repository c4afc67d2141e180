package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// ProviderNextPay is NextPay's name in the sandbox.
const ProviderNextPay = "nextpay"

func init() {
	register(gateway{
		name: ProviderNextPay, fa: "نکست پی", en: "NextPay",
		serve:  (*Server).serveNextPay,
		fail:   nextPayError,
		fields: nextPayReturn,
		low:    1000,
		window: func(*Options) time.Duration { return 10 * time.Minute },
	})
}

// nextPayUnit returns how many rials one unit of a currency is: toman unless IRR is said.
func nextPayUnit(currency string) (int64, bool) {
	switch currency {
	case "", "IRT":
		return 10, true
	case "IRR":
		return 1, true
	}
	return 0, false
}

// nextPayReturn returns what clients read. The amount is in the currency of create, which
// the payment keeps among what the payer told.
func nextPayReturn(p *payment, _ bool) object {
	unit, _ := nextPayUnit(p.payer[0])
	return object{{"trans_id", p.id}, {"order_id", p.order}, {"amount", rials(p.amount / unit)}}
}

// serveNextPay speaks NextPay's web service. Bodies are forms or JSON.
func (s *Server) serveNextPay(w http.ResponseWriter, r *http.Request, seg []string) {
	if len(seg) >= 4 && strings.Join(seg[:3], "/") == "nx/gateway/payment" {
		s.serveBank(w, r, ProviderNextPay, strings.ToLower(seg[3]), seg[4:], nil)
		return
	}
	op := strings.Join(seg, "/")
	if op != "nx/gateway/token" && op != "nx/gateway/verify" {
		notFound(w)
		return
	}
	body, ok := readPost(w, r)
	if !ok {
		return
	}
	fields := invoiceFields(r, body)
	c := s.nextPayVerify(fields)
	if op == "nx/gateway/token" {
		c = s.nextPayCreate(fields, s.origin(r))
	} else if fields("refund_request") != "" {
		c = s.nextPayRefund(fields)
	}
	c.provider = ProviderNextPay
	switch key := fields("api_key"); {
	case key == "":
		c.exec = func() answer { return nextPayError("-20") }
	case !accepts(key, s.opts.APIKeys):
		c.exec = func() answer { return nextPayError("-33") }
	}
	s.serveCall(w, r, c)
}

func (s *Server) nextPayCreate(fields func(string) string, origin string) call {
	order := fields("order_id")
	return call{op: OpCreate, order: order, exec: func() answer {
		amount, code := s.nextPayPrice(fields)
		callback := fields("callback_uri")
		switch {
		case code != "":
			return nextPayError(code)
		case order == "":
			return nextPayError("-36")
		case callback == "":
			return nextPayError("-23")
		case !goodCallback(callback):
			return nextPayError("-32")
		}
		p := s.newPayment(ProviderNextPay, randomUUID(), amount)
		p.order, p.callback, p.owner = order, callback, fingerprint(fields("api_key"))
		p.payer[0] = fields("currency")
		s.st.add(p, origin+"/nextpay/nx/gateway/payment/"+p.id)
		return reply(http.StatusOK, object{{"code", -1}, {"trans_id", p.id}})
	}}
}

// nextPayPrice reads amount and currency, or says what is wrong with them.
func (s *Server) nextPayPrice(fields func(string) string) (price int64, code string) {
	unit, known := nextPayUnit(fields("currency"))
	n, ok := number(fields("amount"))
	low, high := s.limits(ProviderNextPay)
	switch {
	case fields("amount") == "":
		return 0, "-22"
	case !ok || !known || n > 1<<50:
		return 0, "-24"
	case n*unit < low:
		return 0, "-30"
	case high > 0 && n*unit > high:
		return 0, "-24"
	}
	return n * unit, ""
}

// nextPayRefusals are what verify says of payments that it can't settle.
var nextPayRefusals = map[string]string{
	StateCreated: "-1", StateDeclined: "-2", StateOpened: "-3", StateCancelled: "-4", StateReversed: "-90", StateRefunded: "-90",
}

func (s *Server) nextPayVerify(fields func(string) string) call {
	id := strings.ToLower(fields("trans_id"))
	return call{op: OpVerify, subject: id, exec: func() answer {
		p := s.st.find(ProviderNextPay, id)
		refuse := func(code string) answer { return p.refused(nextPayError(code)) }
		switch amount, code := s.nextPayPrice(fields); {
		case id == "":
			return refuse("-21")
		case !isUUID(id):
			return refuse("-34")
		case p == nil || p.owner != fingerprint(fields("api_key")):
			return refuse("-37")
		case code != "":
			return refuse(code)
		case amount != p.amount:
			return refuse("-24")
		}
		p.checkWindow(s.st.clock(), s.window(ProviderNextPay))
		if code := nextPayRefusals[p.state]; code != "" {
			return refuse(code)
		}
		if first, _ := p.verify(s.st.clock()); !first {
			return nextPayError("-49")
		}
		unit, _ := nextPayUnit(fields("currency"))
		return reply(http.StatusOK, object{
			{"code", 0},
			{"amount", p.amount / unit},
			{"order_id", p.order},
			{"card_holder", nextPayCard(p.card)},
			{"customer_phone", nil},
			{"Shaparak_Ref_Id", p.bankRef},
			{"custom", nil},
			{"created_at", p.created.UTC().Format("2006-01-02 15:04:05")},
		})
	}}
}

// nextPayRefund gives a payment back, whole, for 20 minutes after verify. It has
// verify's address, and its success is −90.
func (s *Server) nextPayRefund(fields func(string) string) call {
	id := strings.ToLower(fields("trans_id"))
	return call{op: OpRefund, subject: id, exec: func() answer {
		p := s.st.find(ProviderNextPay, id)
		amount, code := s.nextPayPrice(fields)
		switch now := s.st.clock(); {
		case fields("refund_request") != "yes_money_back":
			return nextPayError("-29")
		case p == nil || p.owner != fingerprint(fields("api_key")):
			return nextPayError("-37")
		case code != "":
			return nextPayError(code)
		case !p.undone(now, 20*time.Minute) || amount != p.settled:
			return nextPayError("-91")
		default:
			p.giveBack(amount, now)
		}
		return nextPayError("-90")
	}}
}

// nextPayCard writes a masked card as NextPay does: 5022-29**-****-5020.
func nextPayCard(card string) string {
	if len(card) != 16 {
		return card
	}
	return card[:4] + "-" + card[4:8] + "-" + card[8:12] + "-" + card[12:]
}

// nextPayError is HTTP 200: clients read only the code.
func nextPayError(code string) answer {
	n, err := strconv.Atoi(code)
	if err != nil {
		n = -42
	}
	return reply(http.StatusOK, object{{"code", n}})
}
