package sandbox

import (
	"net/http"
	"strconv"
	"time"
)

// zibalReport is the platform's list of transactions. Its document names the fields; that
// dates are days in Tehran, both included, and pages begin with 1, is chosen.
func (s *Server) zibalReport(fields map[string]any, _ *http.Request) call {
	return call{op: OpList, exec: func() answer {
		from, err1 := time.ParseInLocation(time.DateOnly, text(fields["fromDate"]), tehran)
		to, err2 := time.ParseInLocation(time.DateOnly, text(fields["toDate"]), tehran)
		page, ok1 := number(fields["page"])
		size, ok2 := number(fields["size"])
		if err1 != nil || err2 != nil || !ok1 || !ok2 || page < 1 || size < 1 {
			return zibalResult(2)
		}
		to = to.AddDate(0, 0, 1)
		owner := fingerprint(text(fields["merchantId"]))
		now, window := s.st.clock(), s.window(ProviderZibal)
		var found []*payment
		var sum int64
		for i := len(s.st.listed) - 1; i >= 0; i-- { // newest first
			p := s.st.listed[i]
			if p.provider != ProviderZibal || p.owner != owner || p.paid.IsZero() || p.paid.Before(from) || !p.paid.Before(to) {
				continue
			}
			p.checkWindow(now, window)
			found, sum = append(found, p), sum+p.amount
		}
		data := list{}
		for i := (page - 1) * size; i < page*size && i < int64(len(found)); i++ {
			p := found[i]
			id, _ := strconv.ParseInt(p.id, 10, 64)
			data = append(data, append(object{{"trackId", id}}, p.zibalRecord()[2:]...))
		}
		return reply(http.StatusOK, object{{"result", 1}, {"message", "success"}, {"total", len(found)}, {"sum", sum}, {"data", data}})
	}}
}
