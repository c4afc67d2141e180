package sandbox

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
)

// bankPage is what the templates of the bank show.
type bankPage struct {
	view
	Provider string
	ID       string
	Order    string
	Host     string
	Amount   int64
	Payable  int64
	Fee      int64
	Card     string
	State    string
	Good     bool // the money is with the bank or the shop
	Unpaid   bool
	Sent     bool // a return exists that can be sent again
	Title    string
	Hint     string
	Fields   object
	Action   template.URL
}

// serveBank returns the pay link: GET shows the page, POST is a button, on the link
// itself or on link/act. ok may refuse a payment that exists under another
// link.
func (s *Server) serveBank(w http.ResponseWriter, r *http.Request, provider, id string, rest []string, ok func(*payment) bool) {
	if len(rest) > 1 || (len(rest) == 1 && rest[0] != "act") {
		notFound(w)
		return
	}
	lang := view{language(r)}
	action := ""
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		body, ok := readBody(w, r)
		if !ok {
			return
		}
		form, _ := url.ParseQuery(string(body))
		action = form.Get("action")
	default:
		methodNotAllowed(w, "GET, POST")
		return
	}

	s.st.mu.Lock()
	p := s.st.find(provider, id)
	if p == nil || (ok != nil && !ok(p)) {
		s.st.mu.Unlock()
		render(w, http.StatusNotFound, "message.html", bankPage{view: lang, Title: "nopayment", Hint: "nopay_hint"})
		return
	}
	var ret *Return
	var err error
	if r.Method == http.MethodPost {
		if action == ActionRefund || action == ActionSettle {
			err = errUnknownAction // those are no buttons of a payer
		} else {
			ret, err = s.actLocked(p, action)
		}
	} else {
		p.checkWindow(s.st.clock(), s.window(provider))
		p.open(s.st.clock())
	}
	page := s.bankView(p, lang)
	s.st.mu.Unlock()

	switch {
	case errors.Is(err, errUnknownAction):
		page.Title, page.Hint = "badaction", err.Error()
		render(w, http.StatusBadRequest, "message.html", page)
	case err != nil:
		page.Title, page.Hint = "badaction", page.State
		render(w, http.StatusConflict, "message.html", page)
	case ret != nil:
		sendBack(w, page, ret)
	case action == ActionClose:
		page.Title, page.Hint = "closed", "closed_hint"
		render(w, http.StatusOK, "message.html", page)
	case action == ActionAbandon:
		page.Title, page.Hint, page.Good = "left", "left_hint", false
		render(w, http.StatusOK, "message.html", page)
	default:
		render(w, http.StatusOK, "bank.html", page)
	}
}

func (s *Server) bankView(p *payment, lang view) bankPage {
	page := bankPage{
		view: lang, Provider: p.provider, ID: p.id, Order: p.order, Amount: p.amount, Payable: p.payable(),
		Card: p.card, State: p.state, Unpaid: p.unpaid(), Sent: p.claim != "",
	}
	if p.feeType == "buyer" {
		page.Fee = p.fee
	}
	switch p.state {
	case StatePaid, StateVerified, StateSettled:
		page.Good = true
	}
	if u, err := url.Parse(p.callback); err == nil {
		page.Host = u.Host
	}
	return page
}

// sendBack takes the browser to the merchant.
func sendBack(w http.ResponseWriter, page bankPage, ret *Return) {
	if ret.Method == http.MethodGet {
		w.Header().Set("Location", ret.URL)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	page.Fields, page.Action = ret.fields, template.URL(ret.URL)
	page.Title = "back"
	render(w, http.StatusOK, "return.html", page)
}

// Key and Value let the template read the fields of a return.
func (m member) Key() string   { return m.key }
func (m member) Value() string { return text(m.value) }
