package packed_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
	"github.com/rahgir/caddy-payments/storage/storagetest"
)

func roundTrip(t interface{ Fatalf(string, ...any) }, r *payment.Record) *payment.Record {
	body, err := packed.Body(r, r.Version)
	if err != nil {
		t.Fatalf("encoding: %v", err)
	}
	e, err := packed.Decode(r.Ref, (&packed.Entry{}).Encode(body))
	if err != nil {
		t.Fatalf("decoding: %v", err)
	}
	return e.Rec
}

func TestWireEveryField(t *testing.T) {
	for seed := range 50 {
		want := storagetest.FullRecord(seed)
		want.Version = uint64(seed)
		if d := storagetest.Diff(roundTrip(t, want), want); d != "" {
			t.Error(d)
		}
	}
	empty := &payment.Record{Ref: storagetest.FullRecord(1).Ref}
	if d := storagetest.Diff(roundTrip(t, empty), empty); d != "" {
		t.Error(d)
	}
	if body, _ := packed.Body(empty, 0); len(body) != 0 {
		t.Errorf("an empty record takes %d bytes", len(body))
	}
}

func TestWireRepeats(t *testing.T) {
	for n := range 20 {
		want := storagetest.FullRecord(n)
		rc := want.Receipt
		rc.ID, rc.Order, rc.Amount, rc.Paid = want.ID, want.Order, want.Expect.Amount, want.Expect.Amount
		switch n % 5 {
		case 1:
			want.Receipt.ID += "x"
		case 2:
			want.Receipt.Amount++
		case 3:
			want.Receipt.Order, want.Receipt.Paid = "", 0
		case 4:
			want.ID, want.Order, want.Expect.Amount = "", "", 0
		}
		if d := storagetest.Diff(roundTrip(t, want), want); d != "" {
			t.Error(d)
		}
	}
}

// Texts and times of every form that packing distinguishes, and of those that
// only look like one.
func TestWireValues(t *testing.T) { rapid.Check(t, wireValues) }

func FuzzWireValues(f *testing.F) { f.Fuzz(rapid.MakeFuzz(wireValues)) }

func wireValues(t *rapid.T) {
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[0-9a-f]{0,40}`), rapid.StringMatching(`[0-9A-Fa-f]{8,32}`),
		rapid.StringMatching(`[0-9]{0,24}`), rapid.StringMatching(`[\x00-\x04].{0,10}`),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
	when := rapid.Custom(func(t *rapid.T) time.Time {
		sec := rapid.OneOf(rapid.Int64Range(-1<<40, 1<<40), rapid.Int64Range(1.7e9, 1.9e9), rapid.Just(int64(0))).Draw(t, "sec")
		nsec := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 999_999_999),
			rapid.Map(rapid.Int64Range(0, 999), func(n int64) int64 { return n * 1_000_000 })).Draw(t, "nsec")
		return time.Unix(sec, nsec).UTC()
	})
	amount := rapid.OneOf(rapid.Int64(), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, -1, 1}))
	want := &payment.Record{
		Ref: storagetest.FullRecord(1).Ref, ID: text.Draw(t, "id"), Order: text.Draw(t, "order"),
		CreatedAt: when.Draw(t, "created"), UpdatedAt: when.Draw(t, "updated"), Due: when.Draw(t, "due"),
		Receipt:  &payment.Receipt{PaidAt: when.Draw(t, "paid"), Amount: payment.Rials(amount.Draw(t, "amount")), Card: text.Draw(t, "card")},
		Attempts: payment.Attempts{Count: int(amount.Draw(t, "count")), First: when.Draw(t, "first")},
		Lease:    payment.Lease{Epoch: rapid.Uint64().Draw(t, "epoch")},
		Track:    payment.Track{Affiliate: text.Draw(t, "affiliate")},
		Reports: []payment.Report{{}, {To: text.Draw(t, "to"), Kind: payment.ReportKind(text.Draw(t, "kind")), State: payment.ReportState(text.Draw(t, "state")), Next: when.Draw(t, "next")},
			{To: "hamekar", Kind: payment.ReportSale, State: payment.SentReport}},
		History: []payment.Entry{{}, {Text: text.Draw(t, "note"), At: when.Draw(t, "at"), By: text.Draw(t, "by"), Code: text.Draw(t, "code")},
			{Kind: payment.EntryKind(rapid.Uint8().Draw(t, "entry")), At: when.Draw(t, "at2"), Was: text.Draw(t, "was")}, {At: when.Draw(t, "at3").Truncate(time.Millisecond)}},
	}
	if d := storagetest.Diff(roundTrip(t, want), want); d != "" {
		t.Fatalf("%s", d)
	}
}

// Fields that a later version adds, in any message and of any type, are passed
// over.
func TestWireLaterFields(t *testing.T) {
	want := storagetest.FullRecord(3)
	body, err := packed.Body(want, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, num := range []protowire.Number{38, 39, 40, 1000, 536870911} {
		body = protowire.AppendTag(body, num, protowire.VarintType)
		body = protowire.AppendVarint(body, 1<<60)
		body = protowire.AppendTag(body, num, protowire.BytesType)
		body = protowire.AppendString(body, "later")
		body = protowire.AppendTag(body, num, protowire.Fixed64Type)
		body = protowire.AppendFixed64(body, 7)
	}
	e, err := packed.Decode(want.Ref, (&packed.Entry{}).Encode(body))
	if err != nil {
		t.Fatal(err)
	}
	if d := storagetest.Diff(e.Rec, want); d != "" {
		t.Error(d)
	}
}

func FuzzDecode(f *testing.F) {
	ref := storagetest.FullRecord(1).Ref
	for seed := range 4 {
		body, _ := packed.Body(storagetest.FullRecord(seed), 1)
		f.Add((&packed.Entry{Money: true, Intents: [][]byte{make([]byte, payment.RefBytes)}}).Encode(body))
	}
	f.Add([]byte{packed.Format, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := packed.Decode(ref, b)
		if err != nil {
			if !errors.Is(err, packed.ErrCorrupt) && !errors.Is(err, packed.ErrFormat) {
				t.Errorf("%v", err)
			}
			return
		}
		// What can be read can be written.
		again := roundTrip(t, e.Rec)
		if d := storagetest.Diff(again, e.Rec); d != "" {
			t.Error(d)
		}
	})
}

var trackTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// FuzzDecodeTrack: what can be read of a track can be written again.
func FuzzDecodeTrack(f *testing.F) {
	b, _ := packed.Track(payment.Track{ID: "064ee72930404724974761b0b41e9e49", At: trackTime, Landing: "/product/۱", Affiliate: "hamekar"}, trackTime)
	f.Add(b)
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})
	f.Add([]byte{packed.Format + 1, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		track, expires, err := packed.DecodeTrack(b)
		if err != nil {
			if !errors.Is(err, packed.ErrCorrupt) && !errors.Is(err, packed.ErrFormat) {
				t.Errorf("%v", err)
			}
			return
		}
		again, err := packed.Track(track, time.Unix(0, int64(expires>>1)))
		if err != nil {
			t.Fatal(err)
		}
		if got, _, err := packed.DecodeTrack(again); err != nil || !got.At.Equal(track.At) || got.ID != track.ID || got.Landing != track.Landing || got.Affiliate != track.Affiliate {
			t.Errorf("%+v, %v, was %+v", got, err, track)
		}
	})
}

func TestRefs(t *testing.T) {
	r := storagetest.FullRecord(9).Ref
	k, ok := r.Bytes()
	if !ok || payment.RefOf(k[:]) != r {
		t.Fatal("a ref does not survive")
	}
	for _, bad := range []payment.Ref{"", r[:25], r + "0", payment.Ref(strings.ToUpper(string(r))), r[:25] + "!"} {
		if _, ok := bad.Bytes(); ok && bad != r {
			t.Errorf("%q is taken for a ref", bad)
		}
	}
}
