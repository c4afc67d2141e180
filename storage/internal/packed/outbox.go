package packed

import (
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/rahgir/caddy-payments/payment"
)

// The words that most reports have are written as numbers. The places never change:
// new words go to the end.
var (
	reportStates = []payment.ReportState{
		payment.OpenReport, payment.SentReport, payment.RejectedReport, payment.PerhapsReport, payment.ParkedReport, payment.WithdrawnReport,
	}
	reportKinds = []payment.ReportKind{
		payment.ReportSale, payment.ReportCancel, payment.TellVerified, payment.TellDelivered, payment.TellDeclined, payment.TellReview,
		payment.TellParked, payment.TellShopRefused, payment.TellReversed, payment.TellOwed, payment.TellRejected,
	}
)

// word walks a text that is mostly one of a few: as the number of its place, or as
// text under the next field number.
func word[T ~string](w *wire, num int, p *T, words []T) {
	if w.decoding {
		n := uint64(0)
		if uints(w, num, &n); n > 0 && n <= uint64(len(words)) {
			*p = words[n-1]
			return
		}
		text(w, num+1, p)
		return
	}
	if i := slices.Index(words, *p); i >= 0 {
		w.putNumber(num, uint64(i)+1)
		return
	}
	text(w, num+1, p)
}

// walkOutbox walks the track and the reports of a record.
func walkOutbox(w *wire, r *payment.Record) {
	nested(w, fieldOutbox, false, func(w *wire) {
		nested(w, 1, false, func(w *wire) { walkTrack(w, &r.Track) })
		list(w, 2, &r.Reports, func(w *wire, p *payment.Report) { walkReport(w, p, r) })
	})
}

// sameReceiver: the receiver is the track's network, and is not written again.
const sameReceiver = 1

func walkReport(w *wire, p *payment.Report, r *payment.Record) {
	var same uint32
	if !w.decoding {
		same = equal(p.To, r.Track.Affiliate, sameReceiver)
	}
	uints(w, 1, &same)
	either(same&sameReceiver != 0, &p.To, r.Track.Affiliate, func() { text(w, 2, &p.To) })
	word(w, 3, &p.Kind, reportKinds)
	word(w, 5, &p.State, reportStates)
	ints(w, 7, &p.Tries)
	ints(w, 8, &p.Unanswered)
	stamp(w, 9, &p.Since)
	stamp(w, 10, &p.Next)
	stamp(w, 11, &p.SentAt)
	text(w, 12, &p.Last)
	text(w, 13, &p.Remembered)
}

// The flags in an entry's first number, below its kind.
const (
	entryCode = 1 << iota
	entryText
	entryPerson // By and Was
	entryNanos
	entryBits = iota
)

// walkHistory walks the history: one field, each entry as its kind, the time since
// the entry before, and its texts.
func walkHistory(w *wire, r *payment.Record) {
	if !w.decoding {
		at := len(w.buf)
		if w.buf = appendHistory(w.buf, r.History, w.base); len(w.buf) > at {
			w.frame(fieldHistory, at)
		}
		return
	}
	r.History = nil
	if w.fields[fieldHistory].set && !unpackHistory(w.fields[fieldHistory].bytes, w.base, &r.History) {
		w.fail("history")
	}
}

func appendHistory(b []byte, h []payment.Entry, last time.Time) []byte {
	var room []byte
	last = last.Truncate(time.Millisecond)
	for _, e := range h {
		flags := uint64(0)
		d := e.At.Sub(last)
		if sum := last.Add(d); !sum.Equal(e.At) || d%time.Millisecond != 0 {
			flags |= entryNanos
		}
		if e.Code != "" {
			flags |= entryCode
		}
		if e.Text != "" {
			flags |= entryText
		}
		if e.By != "" || e.Was != "" {
			flags |= entryPerson
		}
		b = protowire.AppendVarint(b, uint64(e.Kind)<<entryBits|flags)
		if flags&entryNanos != 0 {
			b = protowire.AppendVarint(b, protowire.EncodeZigZag(e.At.Unix()))
			b = protowire.AppendVarint(b, uint64(e.At.Nanosecond())) //nolint:gosec // below 1e9
		} else {
			b = protowire.AppendVarint(b, protowire.EncodeZigZag(int64(d/time.Millisecond)))
		}
		put := func(flag uint64, texts ...string) {
			for _, s := range texts {
				if flags&flag == 0 {
					continue
				}
				room = room[:0]
				if s != "" {
					room = appendText(room, s)
				}
				b = protowire.AppendBytes(b, room)
			}
		}
		put(entryCode, e.Code)
		put(entryText, e.Text)
		put(entryPerson, e.By, e.Was)
		last = e.At.Truncate(time.Millisecond)
	}
	return b
}

func unpackHistory(b []byte, last time.Time, to *[]payment.Entry) bool {
	last = last.Truncate(time.Millisecond)
	ok := true
	number := func() uint64 {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			ok, b = false, nil
			return 0
		}
		b = b[n:]
		return v
	}
	str := func() string {
		v, n := protowire.ConsumeBytes(b)
		if n < 0 {
			ok, b = false, nil
			return ""
		}
		b = b[n:]
		s, fine := unpackText(v)
		ok = ok && fine
		return s
	}
	for ok && len(b) > 0 {
		head := number()
		e := payment.Entry{Kind: payment.EntryKind(head >> entryBits)} //nolint:gosec // compared below
		if head>>entryBits > 0xff {
			return false
		}
		if head&entryNanos != 0 {
			sec := protowire.DecodeZigZag(number())
			nsec := number()
			if nsec >= 1e9 {
				return false
			}
			e.At = time.Unix(sec, int64(nsec)).UTC()
		} else {
			ms := protowire.DecodeZigZag(number())
			if d := time.Duration(ms) * time.Millisecond; int64(d/time.Millisecond) == ms {
				e.At = last.Add(d).UTC()
			} else {
				return false
			}
		}
		if head&entryCode != 0 {
			e.Code = str()
		}
		if head&entryText != 0 {
			e.Text = str()
		}
		if head&entryPerson != 0 {
			e.By, e.Was = str(), str()
		}
		last = e.At.Truncate(time.Millisecond)
		*to = append(*to, e)
	}
	return ok
}
