package sandbox

import (
	"net/http"
	"strings"
	"time"
)

// serveIndex says what this server is.
func (s *Server) serveIndex(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, http.MethodGet)
		return
	}
	render(w, http.StatusOK, "index.html", struct {
		view
		Gateways []string
	}{view{language(r)}, gateways()})
}

// conversionRow is one line of the Hamekar page.
type conversionRow struct {
	Day     string
	Time    string
	TrackID string
	Result  string
	Times   int64
}

// shownRows bounds the tables of the pages; the ledger has everything.
const shownRows = 200

// serveHamekarPage shows people which conversions arrived, newest first.
func (s *Server) serveHamekarPage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, http.MethodGet)
		return
	}
	var rows []conversionRow
	s.st.mu.Lock()
	for i := len(s.st.conversions) - 1; i >= 0 && len(rows) < shownRows; i-- {
		c := s.st.conversions[i]
		row := conversionRow{TrackID: clip(c.TrackID, 64), Result: c.Result}
		row.Day, row.Time, _ = strings.Cut(clockText(c.Time), " ")
		if t := s.st.tracks[c.TrackID]; t != nil {
			row.Times = int64(t.Count)
		}
		rows = append(rows, row)
	}
	s.st.mu.Unlock()
	render(w, http.StatusOK, "hamekar.html", struct {
		view
		Rows []conversionRow
	}{view{language(r)}, rows})
}

// paymentRow is one line of the control page.
type paymentRow struct {
	Payment
	Actions []string
}

// serveControlPage is the ledger and the fault form for people.
func (s *Server) serveControlPage(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		methodNotAllowed(w, http.MethodGet)
		return
	}
	l := s.Ledger("", "", "")
	var rows []paymentRow
	for i := len(l.Payments) - 1; i >= 0 && len(rows) < shownRows; i-- {
		p := l.Payments[i]
		row := paymentRow{Payment: p}
		switch p.State {
		case StateCreated, StateOpened, StateDeclined, StateCancelled:
			row.Actions = []string{ActionPay, ActionDecline, ActionCancel}
		case StatePaid:
			row.Actions = []string{ActionRefund}
		case StateVerified:
			row.Actions = []string{ActionSettle, ActionRefund}
		}
		rows = append(rows, row)
	}
	render(w, http.StatusOK, "control.html", struct {
		view
		Ledger
		Rows       []paymentRow
		More       bool
		Clock      string
		Providers  []string
		Operations []string
		Kinds      []string
	}{
		view{language(r)}, l, rows, len(rows) < len(l.Payments), clockText(l.Now),
		services(),
		[]string{OpCreate, OpVerify, OpInquiry, OpList, OpConversion},
		append(append([]string{"delay", "after"}, insteadKinds...), mangleKinds...),
	})
}

func clockText(t time.Time) string {
	return t.Local().Format("2006-01-02 15:04:05")
}
