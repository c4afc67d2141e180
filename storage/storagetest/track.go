package storagetest

import (
	"errors"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

func trackTests() map[string]func(*testing.T, Harness) {
	return map[string]func(*testing.T, Harness){
		"RoundTrip": testTrack,
		"Expiry":    testTrackExpiry,
		"Cap":       testTrackCap,
	}
}

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

func testTrackCap(t *testing.T, h Harness) {
	if h.Capped == nil {
		t.Log("no cap to test")
		return
	}
	s := h.Capped(t, 10)
	later := s.Now().Add(time.Hour)
	for i := range 10 {
		if err := s.PutTrack(ctx, itoa(i), payment.Track{ID: "x"}, later); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := s.PutTrack(ctx, "more", payment.Track{ID: "x"}, later); !errors.Is(err, payment.ErrFull) {
		t.Errorf("beyond the cap: %v", err)
	}
	if err := s.PutTrack(ctx, "3", payment.Track{ID: "new"}, later); err != nil {
		t.Errorf("a visitor who is kept already: %v", err)
	}
	put(t, s, newRecord(1)) // money is not concerned
	if err := s.Ready(); err != nil {
		t.Errorf("Ready: %v", err)
	}
}
