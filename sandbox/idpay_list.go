package sandbox

import (
	"net/http"
	"strconv"
)

// idpayList returns the transaction list of the calling web service.
func (s *Server) idpayList(q *idpayRequest) call {
	return call{op: OpList, subject: q.text("id"), order: q.text("order_id"), exec: func() answer {
		keep, code := idpayFilter(q)
		if code != "" {
			return idpayError(code)
		}
		now, window := s.st.clock(), s.window(ProviderIDPay)
		var found []*payment
		var total int64
		for i := len(s.st.listed) - 1; i >= 0; i-- { // newest first
			p := s.st.listed[i]
			if p.provider != ProviderIDPay || p.owner != q.owner || p.sandbox != q.sandbox {
				continue
			}
			p.checkWindow(now, window)
			if keep(p) {
				found = append(found, p)
				total += p.amount
			}
		}
		index, size := queryInt(q, "page", 0), queryInt(q, "page_size", 25)
		size = min(max(size, 1), 1000)
		from := index * size
		if index < 0 || index > len(found) || from >= len(found) {
			return answer{status: http.StatusNoContent}
		}
		records, sum := list{}, int64(0)
		for _, p := range found[from:min(from+size, len(found))] {
			records = append(records, p.idpayInquiryRecord())
			sum += p.amount
		}
		return reply(http.StatusOK, object{
			{"attachment", object{
				{"timestamp", now.Unix()},
				{"total_count", len(found)},
				{"page_count", (len(found) + size - 1) / size},
				{"current_page", index},
				{"total_amount", rials(total)},
				{"page_amount", sum},
			}},
			{"records", records},
		})
	}}
}

// idpayFilter makes the filter of a list call, or names the error.
func idpayFilter(q *idpayRequest) (keep func(*payment) bool, code string) {
	statuses := map[string]bool{}
	if raw, given := q.fields["status"]; given && raw != nil {
		wanted, ok := raw.([]any)
		if !ok {
			return nil, "41"
		}
		for _, v := range wanted {
			statuses[text(v)] = true
		}
	}
	paid, ok := timeRange(q.fields["payment_date"])
	if !ok {
		return nil, "42"
	}
	settled, ok := timeRange(q.fields["settlement_date"])
	if !ok {
		return nil, "43"
	}
	same := func(name, value string) bool {
		want := q.text(name)
		return want == "" || want == value
	}
	return func(p *payment) bool {
		return same("id", p.id) && same("order_id", p.order) && same("amount", rials(p.amount)) &&
			same("track_id", p.trackID) && same("payment_card_no", p.card) &&
			same("payment_hashed_card_no", p.hashedCard) &&
			(len(statuses) == 0 || statuses[p.idpayStatus()]) &&
			paid.has(p.paid.Unix(), p.paid.IsZero()) && settled.has(p.settledAt.Unix(), p.settledAt.IsZero())
	}, ""
}

// span is a filter on a time; the zero value lets everything pass.
type span struct {
	set      bool
	min, max int64
}

func timeRange(v any) (span, bool) {
	if v == nil {
		return span{}, true
	}
	m, ok := v.(map[string]any)
	if !ok {
		return span{}, false
	}
	low, okMin := number(m["min"])
	high, okMax := number(m["max"])
	return span{set: true, min: low, max: high}, okMin && okMax
}

func (r span) has(at int64, never bool) bool {
	return !r.set || (!never && at >= r.min && at <= r.max)
}

func queryInt(q *idpayRequest, name string, fallback int) int {
	if n, err := strconv.Atoi(q.query.Get(name)); err == nil {
		return n
	}
	return fallback
}
