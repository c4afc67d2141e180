package sandbox

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// ProviderIDPay is IDPay's name in the sandbox.
const ProviderIDPay = "idpay"

func init() {
	register(gateway{
		name: ProviderIDPay, fa: "آیدی پی", en: "IDPay",
		serve:  (*Server).serveIDPay,
		fail:   func(code string) answer { return idpayError(code) },
		fields: idpayReturn,
		low:    1000, high: 500_000_000,
		window: func(o *Options) time.Duration { return o.Window },
		number: func(p *payment) string { return p.trackID },
	})
}

// idpayReturn is documented: by GET only the first four come.
func idpayReturn(p *payment, post bool) object {
	status, card, hashed := "10", p.card, p.hashedCard
	switch p.claim {
	case StateDeclined:
		status, card, hashed = "2", "", ""
	case StateCancelled:
		status, card, hashed = "7", "", ""
	}
	fields := object{{"status", status}, {"track_id", p.trackID}, {"id", p.id}, {"order_id", p.order}}
	if !post {
		return fields
	}
	return append(fields, object{
		{"amount", rials(p.amount)},
		{"card_no", card},
		{"hashed_card_no", hashed},
		{"date", unix(p.finished)},
	}...)
}

// serveIDPay speaks IDPay v1.1, and shows its pay page.
func (s *Server) serveIDPay(w http.ResponseWriter, r *http.Request, seg []string) {
	if len(seg) >= 3 && seg[0] == "p" && (seg[1] == "ws" || seg[1] == "ws-sandbox") {
		s.serveBank(w, r, ProviderIDPay, seg[2], seg[3:], func(p *payment) bool {
			return p.sandbox == (seg[1] == "ws-sandbox")
		})
		return
	}
	calls := map[string]func(*idpayRequest) call{
		"v1.1/payment": s.idpayCreate, "v1.1/payment/verify": s.idpayVerify,
		"v1.1/payment/inquiry": s.idpayInquiry, "v1.1/payment/transactions": s.idpayList,
	}
	makeCall := calls[strings.Join(seg, "/")]
	if makeCall == nil {
		notFound(w)
		return
	}
	body, ok := readPost(w, r)
	if !ok {
		return
	}
	key := r.Header.Get("X-API-KEY")
	mode := strings.ToLower(strings.TrimSpace(r.Header.Get("X-SANDBOX")))
	c := makeCall(&idpayRequest{
		fields:  readObject(r, body),
		query:   r.URL.Query(),
		owner:   fingerprint(key),
		sandbox: mode == "1" || mode == "true",
		origin:  s.origin(r),
	})
	c.provider = ProviderIDPay
	s.serveUnless(w, r, unless(s.idpayKey(key), idpayError("12")), c)
}

// idpayRequest is what every IDPay call is made of.
type idpayRequest struct {
	fields  map[string]any
	query   url.Values
	owner   string
	sandbox bool
	origin  string
}

func (q *idpayRequest) text(name string) string { return text(q.fields[name]) }

func (s *Server) idpayKey(key string) bool {
	if len(s.opts.APIKeys) > 0 {
		return accepts(key, s.opts.APIKeys)
	}
	return isUUID(key)
}

func (s *Server) idpayCreate(q *idpayRequest) call {
	order := q.text("order_id")
	return call{op: OpCreate, order: order, exec: func() answer {
		amount, refused := s.idpayCheckCreate(q, order)
		if refused != nil {
			return *refused
		}
		p := s.newPayment(ProviderIDPay, randomHex(16), amount)
		p.order, p.callback = order, q.text("callback")
		p.owner, p.sandbox = q.owner, q.sandbox
		for i, name := range []string{"name", "phone", "mail", "desc"} {
			// Optional members that are not well formed are dropped
			// without a word, as documented.
			if v := q.text(name); utf8.RuneCountInString(v) <= 255 && (name != "phone" || iranPhone(v)) {
				p.payer[i] = v
			}
		}
		path := "/idpay/p/ws/"
		if p.sandbox {
			path = "/idpay/p/ws-sandbox/"
		}
		s.st.add(p, q.origin+path+p.id)
		return reply(http.StatusCreated, object{{"id", p.id}, {"link", p.link}})
	}}
}

func (s *Server) idpayCheckCreate(q *idpayRequest, order string) (int64, *answer) {
	refuse := func(code string, with ...string) (int64, *answer) {
		a := idpayError(code, with...)
		return 0, &a
	}
	if order == "" || utf8.RuneCountInString(order) > 50 {
		return refuse("32")
	}
	if q.text("amount") == "" {
		return refuse("33")
	}
	low, high := s.limits(ProviderIDPay)
	amount, ok := number(q.fields["amount"])
	if !ok || amount < low {
		return refuse("34", strconv.FormatInt(low, 10))
	}
	if high > 0 && amount > high {
		return refuse("35", strconv.FormatInt(high, 10))
	}
	callback := q.text("callback")
	if callback == "" {
		return refuse("37")
	}
	if !goodCallback(callback) {
		return refuse("39")
	}
	// The sandbox mode of IDPay does not look at the registered domain.
	if want := s.st.settings[ProviderIDPay].CallbackHost; want != "" && !q.sandbox {
		if u, err := url.Parse(callback); err != nil || !strings.EqualFold(u.Hostname(), want) {
			return refuse("38", u.Hostname())
		}
	}
	return amount, nil
}

// idpayFind looks a payment up by both ids, for the key and the mode that made
// it: a sandbox payment does not exist for a live call.
func (s *Server) idpayFind(q *idpayRequest) *payment {
	p := s.st.find(ProviderIDPay, q.text("id"))
	if p == nil || p.order != q.text("order_id") || p.owner != q.owner || p.sandbox != q.sandbox {
		return nil
	}
	p.checkWindow(s.st.clock(), s.window(ProviderIDPay))
	return p
}

func (s *Server) idpayVerify(q *idpayRequest) call {
	return call{op: OpVerify, subject: q.text("id"), order: q.text("order_id"), exec: func() answer {
		p, refused := s.idpayNamed(q)
		if refused != nil {
			return s.st.find(ProviderIDPay, q.text("id")).refused(*refused)
		}
		first, ok := p.verify(s.st.clock())
		switch {
		case !ok && p.state == StateReversed:
			return idpayError("54")
		case !ok:
			return idpayError("53")
		case first:
			return reply(http.StatusOK, p.idpayRecord("100"))
		}
		return reply(http.StatusOK, p.idpayRecord("101"))
	}}
}

func (s *Server) idpayInquiry(q *idpayRequest) call {
	return call{op: OpInquiry, subject: q.text("id"), order: q.text("order_id"), exec: func() answer {
		p, refused := s.idpayNamed(q)
		if refused != nil {
			return *refused
		}
		p.inquiries++
		return reply(http.StatusOK, p.idpayInquiryRecord())
	}}
}

// idpayNamed finds the payment that a call names, or the documented refusal.
func (s *Server) idpayNamed(q *idpayRequest) (*payment, *answer) {
	code := "52"
	switch {
	case q.text("id") == "":
		code = "31"
	case q.text("order_id") == "":
		code = "32"
	default:
		if p := s.idpayFind(q); p != nil {
			return p, nil
		}
	}
	a := idpayError(code)
	return nil, &a
}

// iranPhone accepts the three forms that IDPay lists.
func iranPhone(v string) bool {
	switch {
	case strings.Trim(v, "0123456789") != "":
		return false
	case strings.HasPrefix(v, "989"):
		return len(v) == 12
	case strings.HasPrefix(v, "09"):
		return len(v) == 11
	case strings.HasPrefix(v, "9"):
		return len(v) == 10
	}
	return false
}
