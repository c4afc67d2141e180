package storagetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

func testTrack(t *testing.T, h Harness) {
	s := h.Open(t)
	later := s.Now().Add(time.Hour)
	want := payment.Track{ID: "دنبال-1", Affiliate: "hamekar", Landing: "/p/7", At: base}
	if err := s.PutTrack(ctx, "v1", want, later); err != nil {
		t.Fatal(err)
	}
	check := func(want payment.Track) {
		t.Helper()
		got, err := s.Track(ctx, "v1")
		if err != nil || got.ID != want.ID || got.Affiliate != want.Affiliate || got.Landing != want.Landing || !got.At.Equal(want.At) {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	}
	check(want)
	want.ID = "second"
	if err := s.PutTrack(ctx, "v1", want, later); err != nil {
		t.Fatal(err)
	}
	check(want)
	if _, err := s.Track(ctx, "v2"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("another visitor: %v", err)
	}
	s = h.Reopen(t, s)
	check(want)
}

func testTrackExpiry(t *testing.T, h Harness) {
	s := h.Open(t)
	if err := s.PutTrack(ctx, "v", payment.Track{ID: "x"}, s.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Track(ctx, "v"); !errors.Is(err, payment.ErrNotFound) {
		t.Errorf("an expired track: %v", err)
	}
	if err := s.PutTrack(ctx, "v", payment.Track{ID: "y"}, s.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Track(ctx, "v"); err != nil || got.ID != "y" {
		t.Errorf("after it was renewed: %v %v", got, err)
	}
}

// The oldest go: below and at the cap everybody is kept, and above it those who
// came last, however many have come. Who comes again is new.
func testTrackCap(t *testing.T, h Harness) {
	if h.Capped == nil {
		t.Log("no cap to test")
		return
	}
	const most = 10
	for _, n := range []int{1, most - 1, most, most + 1, most + 2, 5 * most, 700} {
		t.Run(itoa(n), func(t *testing.T) {
			s := h.Capped(t, most)
			later := s.Now().Add(time.Hour)
			var came []string
			visit := func(name string) {
				t.Helper()
				// Who came first expires last: it is not that which counts.
				if err := s.PutTrack(ctx, name, payment.Track{ID: name}, later.Add(-time.Duration(len(came))*time.Second)); err != nil {
					t.Fatal(name, err)
				}
				came = append(slices.DeleteFunc(came, func(c string) bool { return c == name }), name)
			}
			for i := range n {
				if visit("v" + itoa(i)); i == most-2 {
					visit("v0")
				}
			}
			checkKept(t, s, came, most)
			s = h.Reopen(t, s)
			checkKept(t, s, came, most)
			put(t, s, newRecord(1)) // money is not concerned
			if err := s.Ready(); err != nil {
				t.Errorf("Ready: %v", err)
			}
		})
	}
}

// checkKept waits until only the last of those who came are kept.
func checkKept(t *testing.T, s payment.Store, came []string, most int) {
	t.Helper()
	gone, stay := came[:max(len(came)-most, 0)], came[max(len(came)-most, 0):]
	for begin := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		left := 0
		for _, name := range gone {
			if _, err := s.Track(ctx, name); err == nil {
				left++
			} else if !errors.Is(err, payment.ErrNotFound) {
				t.Fatal(err)
			}
		}
		if left == 0 {
			break
		}
		if time.Since(begin) > 10*time.Second {
			t.Fatalf("%d of %d are kept beyond the cap of %d", left, len(came), most)
		}
	}
	for _, name := range stay {
		if got, err := s.Track(ctx, name); err != nil || got.ID != name {
			t.Errorf("%s, one of the last %d: %v", name, most, err)
		}
	}
}
