package sandbox

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// The names of hosts of the invoice script in the sandbox: 24pal, Poolam, and any
// other.
const (
	Provider24Pal   = "24pal"
	ProviderPoolam  = "poolam"
	ProviderInvoice = "invoice"
)

func init() {
	for _, g := range []gateway{
		{name: Provider24Pal, fa: "۲۴پال", en: "24pal"},
		{name: ProviderPoolam, fa: "پولام", en: "Poolam"},
		{name: ProviderInvoice, fa: "اسکریپت صورت‌حساب", en: "Invoice script"},
	} {
		g.serve = func(s *Server, w http.ResponseWriter, r *http.Request, seg []string) {
			s.serveInvoice(w, r, g.name, seg)
		}
		g.fail, g.fields, g.low = invoiceError, invoiceReturn, 1000
		// There is no window: check only reads, so a paid invoice is the merchant's.
		register(g)
	}
}

// invoiceReturn is not documented; clients of the script read these.
func invoiceReturn(p *payment, _ bool) object {
	status := "202"
	if p.claim == StatePaid {
		status = "0"
	}
	return object{{"invoice_key", p.id}, {"status", status}}
}

// serveInvoice speaks the invoice script, for 24pal and for any other host of
// it. The script's own path starts with /invoice, so both
// /invoice/invoice/request and /invoice/request are understood: no operation is
// called "invoice", so that one segment can be dropped without ambiguity.
func (s *Server) serveInvoice(w http.ResponseWriter, r *http.Request, provider string, seg []string) {
	prefix := "/" + provider
	if len(seg) > 0 && seg[0] == "invoice" {
		seg, prefix = seg[1:], prefix+"/invoice"
	}
	switch {
	case len(seg) >= 2 && seg[0] == "pay":
		s.serveBank(w, r, provider, seg[1], seg[2:], nil)
		return
	case len(seg) == 1 && seg[0] == "request":
	case len(seg) == 2 && seg[0] == "check":
	default:
		notFound(w)
		return
	}
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	fields := invoiceFields(r, body)
	var c call
	if seg[0] == "request" {
		c = s.invoiceCreate(provider, fields, s.origin(r)+prefix)
	} else {
		c = s.invoiceCheck(provider, seg[1], fields)
	}
	c.provider = provider
	switch {
	case r.Method != http.MethodPost:
		c.exec = func() answer { return invoiceError("100") }
	case !accepts(fields("api_key"), s.opts.APIKeys):
		c.exec = func() answer { return invoiceError("101") }
	}
	s.serveCall(w, r, c)
}

// invoiceFields reads form and JSON bodies: the document names no type, and
// hosts of the script say that they take either.
func invoiceFields(r *http.Request, body []byte) func(string) string {
	if isJSON(r) {
		m := readObject(r, body)
		return func(name string) string { return text(m[name]) }
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		// The form that PHP's cURL makes of an array.
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.ParseMultipartForm(maxBody) == nil {
			return url.Values(r.MultipartForm.Value).Get
		}
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		form = url.Values{}
	}
	return form.Get
}

func (s *Server) invoiceCreate(provider string, fields func(string) string, base string) call {
	return call{op: OpCreate, exec: func() answer {
		amount, err := strconv.ParseInt(strings.TrimSpace(fields("amount")), 10, 64)
		low, high := s.limits(provider)
		if err != nil || amount < low || (high > 0 && amount > high) {
			return invoiceError("102")
		}
		callback := decodeCallback(fields("return_url"))
		if !goodCallback(callback) {
			return invoiceError("103")
		}
		p := s.newPayment(provider, randomHex(16), amount)
		p.callback, p.owner = callback, fingerprint(fields("api_key"))
		s.st.add(p, base+"/pay/"+p.id)
		return reply(http.StatusOK, object{{"status", 1}, {"invoice_key", p.id}})
	}}
}

// invoiceCheck only reads: asked again it says the same, because the document
// has no code for "already checked".
func (s *Server) invoiceCheck(provider, key string, fields func(string) string) call {
	return call{op: OpVerify, subject: key, exec: func() answer {
		p := s.st.find(provider, key)
		if p == nil || p.owner != fingerprint(fields("api_key")) {
			return p.refused(invoiceError("200"))
		}
		switch p.state {
		case StateCreated, StateOpened:
			return p.refused(invoiceError("201"))
		case StateDeclined, StateCancelled, StateRefunded, StateReversed:
			return p.refused(invoiceError("202"))
		}
		p.verify(s.st.clock())
		return reply(http.StatusOK, object{{"status", 1}, {"amount", p.payable()}, {"bank_code", p.bankRef}})
	}}
}

// decodeCallback undoes a second urlencode: the document asks for an encoded
// address, so some clients encode before they fill in the form.
func decodeCallback(raw string) string {
	lower := strings.ToLower(raw)
	if strings.HasPrefix(lower, "http%3a") || strings.HasPrefix(lower, "https%3a") {
		if once, err := url.QueryUnescape(raw); err == nil {
			return once
		}
	}
	return raw
}

var invoiceErrors = map[string]string{
	"100": "نوع درخواست باید POST باشد",
	"101": "api_key ارسال نشده است یا صحیح نیست",
	"102": "مبلغ ارسال نشده است یا کمتر از ۱۰۰۰ ریال است",
	"103": "آدرس بازگشت ارسال نشده است",
	"301": "خطایی در برقراری با سرور بانک رخ داده است",
	"200": "شناسه پرداخت صحیح نیست",
	"201": "پرداخت انجام نشده است",
	"202": "پرداخت کنسل شده است یا خطایی در مراحل پرداخت رخ داده است",
}

// invoiceError is HTTP 200 too: clients of the script read only the body.
func invoiceError(code string) answer {
	n, err := strconv.Atoi(code)
	if err != nil {
		n = 301
	}
	return reply(http.StatusOK, object{
		{"status", 0}, {"errorCode", n}, {"errorDescription", invoiceErrors[strconv.Itoa(n)]},
	})
}
