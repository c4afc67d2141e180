package sandbox

import (
	"net/url"
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

// buildReturn makes the request that takes the payer back.
func (s *Server) buildReturn(p *payment) *Return {
	how := s.returnMethod(p)
	if how == ReturnBare {
		return &Return{Method: "GET", URL: p.callback}
	}
	fields := registered[p.provider].fields(p, how == ReturnPost)
	if how == ReturnPost {
		ret := &Return{Method: "POST", URL: p.callback, Form: make(map[string]string), fields: fields}
		for _, f := range fields {
			ret.Form[f.key] = f.value.(string)
		}
		return ret
	}
	return &Return{Method: "GET", URL: appendQuery(p.callback, fields, s.join(p))}
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
