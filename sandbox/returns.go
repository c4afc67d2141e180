package sandbox

import (
	"net/url"
	"strconv"
	"strings"
)

// Return is the request that the payer's browser makes to the merchant.
type Return struct {
	Method string `json:"method"`
	// URL holds the fields already when Method is GET.
	URL string `json:"url"`
	// Form has the fields of the body when Method is POST.
	Form map[string]string `json:"form,omitempty"`

	fields []member // Form in the order of the documents
}

// buildReturn makes the request that takes the payer back, as the provider
// documents it (IDPay) or as its public clients expect it (the others).
func (s *Server) buildReturn(p *payment) *Return {
	how := s.returnMethod(p)
	if how == ReturnBare {
		return &Return{Method: "GET", URL: p.callback}
	}
	fields := returnFields(p, how == ReturnPost)
	if how == ReturnPost {
		ret := &Return{Method: "POST", URL: p.callback, Form: make(map[string]string), fields: fields}
		for _, f := range fields {
			ret.Form[f.key] = f.value.(string)
		}
		return ret
	}
	return &Return{Method: "GET", URL: appendQuery(p.callback, fields, s.join(p))}
}

func returnFields(p *payment, post bool) object {
	paid := p.claim == StatePaid
	switch p.provider {
	case ProviderIDPay:
		status := "10"
		switch p.claim {
		case StateDeclined:
			status = "2"
		case StateCancelled:
			status = "7"
		}
		fields := object{{"status", status}, {"track_id", p.trackID}, {"id", p.id}, {"order_id", p.order}}
		if !post {
			return fields
		}
		card, hashed := p.card, p.hashedCard
		if !paid {
			card, hashed = "", ""
		}
		return append(fields, object{
			{"amount", strconv.FormatInt(p.amount, 10)},
			{"card_no", card},
			{"hashed_card_no", hashed},
			{"date", strconv.FormatInt(p.finished.Unix(), 10)},
		}...)
	case ProviderSama:
		status := "NOK"
		if paid {
			status = "OK"
		}
		return object{{"Authority", p.id}, {"Status", status}}
	}
	status := "202"
	if paid {
		status = "0"
	}
	return object{{"invoice_key", p.id}, {"status", status}}
}

// appendQuery keeps the callback's own query byte for byte and its fragment at
// the end.
func appendQuery(callback string, fields object, join string) string {
	target, fragment, hasFragment := strings.Cut(callback, "#")
	sep, first := "&", "?"
	if strings.Contains(target, "?") {
		first = "&"
		if strings.HasSuffix(target, "?") || strings.HasSuffix(target, "&") {
			first = ""
		}
	}
	switch join {
	case "blind":
		first = "?"
	case "amp":
		sep = "&amp;"
		if first == "&" {
			first = sep
		}
	}
	var b strings.Builder
	b.WriteString(target)
	for i, f := range fields {
		if i == 0 {
			b.WriteString(first)
		} else {
			b.WriteString(sep)
		}
		b.WriteString(url.QueryEscape(f.key) + "=" + url.QueryEscape(f.value.(string)))
	}
	if hasFragment {
		b.WriteString("#" + fragment)
	}
	return b.String()
}

// goodCallback says whether a browser may be sent there.
func goodCallback(raw string) bool {
	if raw == "" || len(raw) > 2048 || strings.ContainsAny(raw, "\r\n\t ") {
		return false
	}
	u, err := url.Parse(raw)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
