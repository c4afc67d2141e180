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
	uints(w, 14, &p.Generation)
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
	last := w.base.Truncate(time.Millisecond)
	if !w.decoding {
		at := len(w.buf)
		s := stream{buf: w.buf}
		for _, e := range r.History {
			last = walkEntry(&s, &e, last)
		}
		if w.buf = s.buf; len(w.buf) > at {
			w.frame(fieldHistory, at)
		}
		return
	}
	r.History = nil
	s := stream{decoding: true, buf: w.fields[fieldHistory].bytes}
	for len(s.buf) > 0 {
		var e payment.Entry
		last = walkEntry(&s, &e, last)
		r.History = append(r.History, e)
	}
	if s.bad {
		w.fail("history")
	}
}

// walkEntry walks an entry and returns its time to the millisecond, from which that of the
// next one is counted.
func walkEntry(s *stream, e *payment.Entry, last time.Time) time.Time {
	since := e.At.Sub(last)
	head := uint64(e.Kind)<<entryBits | when(!last.Add(since).Equal(e.At) || since%time.Millisecond != 0, entryNanos) |
		when(e.Code != "", entryCode) | when(e.Text != "", entryText) | when(e.By != "" || e.Was != "", entryPerson)
	s.number(&head)
	e.Kind = payment.EntryKind(head >> entryBits) //nolint:gosec // compared below
	s.bad = s.bad || head>>entryBits > 0xff
	if head&entryNanos != 0 {
		sec, nsec := protowire.EncodeZigZag(e.At.Unix()), uint64(e.At.Nanosecond()) //nolint:gosec // below 1e9
		s.number(&sec)
		s.number(&nsec)
		s.bad = s.bad || nsec >= 1e9
		e.At = time.Unix(protowire.DecodeZigZag(sec), int64(nsec)).UTC() //nolint:gosec // compared above
	} else {
		ms := protowire.EncodeZigZag(since.Milliseconds())
		s.number(&ms)
		since = time.Duration(protowire.DecodeZigZag(ms)) * time.Millisecond
		s.bad = s.bad || since.Milliseconds() != protowire.DecodeZigZag(ms)
		e.At = last.Add(since).UTC()
	}
	s.text(head&entryCode != 0, &e.Code)
	s.text(head&entryText != 0, &e.Text)
	s.text(head&entryPerson != 0, &e.By)
	s.text(head&entryPerson != 0, &e.Was)
	return e.At.Truncate(time.Millisecond)
}

func when(is bool, flag uint64) uint64 {
	if is {
		return flag
	}
	return 0
}

// stream is values without tags, one after the other, read or written. What can't be read
// ends it.
type stream struct {
	decoding, bad bool
	buf, room     []byte
}

func (s *stream) number(p *uint64) {
	if !s.decoding {
		s.buf = protowire.AppendVarint(s.buf, *p)
		return
	}
	v, n := protowire.ConsumeVarint(s.buf)
	s.skip(n)
	*p = v
}

// text walks a text that may not be there.
func (s *stream) text(there bool, p *string) {
	switch {
	case !there:
	case s.decoding:
		v, n := protowire.ConsumeBytes(s.buf)
		s.skip(n)
		text, ok := unpackText(v)
		*p, s.bad = text, s.bad || !ok
	default:
		s.room = s.room[:0]
		if *p != "" {
			s.room = appendText(s.room, *p)
		}
		s.buf = protowire.AppendBytes(s.buf, s.room)
	}
}

func (s *stream) skip(n int) {
	if n < 0 {
		s.bad, n = true, len(s.buf)
	}
	s.buf = s.buf[n:]
}
