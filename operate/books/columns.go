package books

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
)

// column is one column of the table: a text, or a number where count is set.
type column struct {
	name  string
	text  func(operate.Row) string
	count func(operate.Row) int64
}

func text(name string, f func(operate.Row) string) column { return column{name: name, text: f} }

func count(name string, f func(operate.Row) int64) column { return column{name: name, count: f} }

// columns are those of every table. Amounts are in rials; times whose name says so are in
// Tehran, in both calendars, the others in UTC. New columns go to the end.
func columns() []column {
	return []column{
		text("ref", func(r operate.Row) string { return string(r.Ref) }),
		text("state", func(r operate.Row) string { return string(r.State) }),
		text("reason", func(r operate.Row) string { return string(r.Reason) }),
		text("money", func(r operate.Row) string { return string(r.Money) }),
		text("environment", func(r operate.Row) string { return r.Environment }),
		text("site", func(r operate.Row) string { return r.Site }),
		text("provider", func(r operate.Row) string { return r.Provider }),
		text("id", func(r operate.Row) string { return r.ID }),
		text("order", func(r operate.Row) string { return r.Order }),
		text("item", func(r operate.Row) string { return r.Item }),
		count("amount_rials", func(r operate.Row) int64 { return r.Amount }),
		count("found_rials", func(r operate.Row) int64 { return r.Found }),
		count("paid_rials", func(r operate.Row) int64 { return r.Paid }),
		text("receipt_number", func(r operate.Row) string { return r.Number }),
		text("bank_reference", func(r operate.Row) string { return r.Reference }),
		text("card", func(r operate.Row) string { return r.Card }),
		text("paid_at", func(r operate.Row) string { return utc(r.PaidAt) }),
		count("deliveries", func(r operate.Row) int64 { return int64(r.Deliveries) }),
		text("affiliate", func(r operate.Row) string { return r.Affiliate }),
		text("track_id", func(r operate.Row) string { return r.TrackID }),
		text("conversion", func(r operate.Row) string { return string(r.Conversion) }),
		text("created_at", func(r operate.Row) string { return utc(r.CreatedAt) }),
		text("created_jalali", func(r operate.Row) string { return lang.Date(r.CreatedAt) }),
		text("updated_at", func(r operate.Row) string { return utc(r.UpdatedAt) }),
		count("fee_rials", func(r operate.Row) int64 { return r.Fee }),
		text("fee_payer", func(r operate.Row) string { return r.FeePayer }),
		count("net_rials", func(r operate.Row) int64 { return r.Net }),
		count("given_back_rials", func(r operate.Row) int64 { return r.GivenBack }),
		count("owed_rials", func(r operate.Row) int64 { return r.Owed }),
		text("created_tehran", func(r operate.Row) string { return tehran(r.CreatedAt) }),
		text("paid_tehran", func(r operate.Row) string { return tehran(r.PaidAt) }),
		text("paid_jalali", func(r operate.Row) string { return lang.Date(r.PaidAt) }),
		text("decision", func(r operate.Row) string { return r.Decision }),
		text("decided_by", func(r operate.Row) string { return r.DecidedBy }),
		text("decided_tehran", func(r operate.Row) string { return tehran(r.DecidedAt) }),
		text("decided_jalali", func(r operate.Row) string { return lang.Date(r.DecidedAt) }),
		text("decision_note", func(r operate.Row) string { return r.Note }),
		count("quantity", func(r operate.Row) int64 { return int64(r.Quantity) }),
	}
}

// Header are the names of the columns.
func Header() []string {
	var names []string
	for _, c := range columns() {
		names = append(names, c.name)
	}
	return names
}

func utc(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func tehran(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(lang.Tehran()).Format(time.DateTime)
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// plain is a text without what moves a cursor, turns a line around or ends it.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == 0x2028, r == 0x2029:
			return ' '
		case r == 0x200e, r == 0x200f, r == 0x061c, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
}

// inert is a text that no spreadsheet calculates: what would begin a formula, at its
// beginning or in a cell of its own where a semicolon separates them, has an apostrophe
// before it.
func inert(s string) string {
	var b strings.Builder
	begins := true
	for _, r := range plain(s) {
		switch {
		case begins && strings.ContainsRune("=+-@＝＋－＠", r):
			b.WriteByte('\'')
			begins = false
		case r == ';' || r == '"':
			begins = true
		case !unicode.IsSpace(r):
			begins = false
		}
		b.WriteRune(r)
	}
	return b.String()
}
