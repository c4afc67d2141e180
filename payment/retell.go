package payment

import (
	"slices"
	"time"
)

// Told reports whether the history says that a webhook has taken a message.
func (r *Record) Told(to string, kind ReportKind) bool {
	return slices.ContainsFunc(r.History, func(e Entry) bool {
		return e.Kind == EntryTold && e.By == to && e.Code == string(kind)
	})
}

// Retell opens a message anew that a webhook has taken.
func (r *Record) Retell(to string, kind ReportKind, n Note, now time.Time) {
	r.AddReport(Report{To: to, Kind: kind, Since: now, Next: now})
	r.note(Entry{At: now, Kind: EntryReopened, Code: string(kind), By: n.By, Text: n.Text})
}
