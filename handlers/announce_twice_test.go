package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// What an answer says twice, and each time otherwise, nobody chooses from: no copy counts,
// whichever comes first and however many agree. Equal copies are one.
func TestAnnouncementHeadersTwice(t *testing.T) {
	t.Parallel()
	h := routed("/back")
	h.placed.Store(&place{site: &site{id: "shop", origins: []string{"https://shop"}}, standing: standing{found: true, hosts: hosts{names: []string{"shop"}}}})
	whole := map[string]string{
		headerOrder: "101", headerAmount: "50000", headerID: "K1", headerName: h.Verify[0].Provider, headerReturn: "/back", "Location": "https://bank.example/pay/K1",
	}
	others := map[string]string{
		headerOrder: "102", headerAmount: "5000", headerID: "K2", headerName: "other", headerReturn: "/back?x=1", "Location": "https://bank.example/pay/K2",
	}
	names := []string{headerOrder, headerAmount, headerID, headerName, headerReturn, "Location"}
	read := func(header http.Header) (announcement, error) {
		r := asked(httptest.NewRequest(http.MethodPost, "https://shop/buy", nil))
		all, id, err := h.announcedFor(r, []payee{{h, h.Verify[0].route.provider}}, "K1", header)
		a := announcement{provider: all[0].p, id: id, order: header.Get(headerOrder)}
		if err == nil {
			err = h.readAnnouncement(r, &a, header)
		}
		return a, err
	}
	rapid.Check(t, func(t *rapid.T) {
		header := make(http.Header)
		for name, value := range whole {
			for range rapid.IntRange(1, 3).Draw(t, "copies") {
				header.Add(name, value)
			}
		}
		a, err := read(header)
		if err != nil || a.order != "101" || a.amount != 50_000 || a.id != "K1" {
			t.Fatalf("%v: %+v, %v", header, a, err)
		}
		name := rapid.SampledFrom(names).Draw(t, "name")
		all := header[name]
		i := rapid.IntRange(0, len(all)).Draw(t, "place")
		other := rapid.SampledFrom([]string{others[name], "", whole[name] + " ", strings.ToUpper(whole[name]) + "x"}).Draw(t, "other")
		header[name] = append(append(append([]string{}, all[:i]...), other), all[i:]...)
		a, err = read(header)
		if err == nil || a.amount != 0 || a.back != nil || !strings.Contains(err.Error(), name) {
			t.Fatalf("%v: %+v, %v", header, a, err)
		}
		if doubtful := name == headerID || name == headerName || name == "Location"; (a.provider == nil) != doubtful {
			t.Fatalf("%v: %+v", header, a)
		}
		if !h.sendsToPay(asked(httptest.NewRequest(http.MethodPost, "https://shop/buy", nil)), http.StatusFound, header) {
			t.Fatalf("%v sends nobody to pay", header)
		}
	})
	for _, to := range [][]string{{"/cart", "https://bank.example/pay/K1"}, {"https://bank.example/pay/K1", "/cart"}} {
		if !h.sendsToPay(asked(httptest.NewRequest(http.MethodPost, "https://shop/buy", nil)), http.StatusFound, http.Header{headerOrder: {"1"}, "Location": to}) {
			t.Errorf("%q sends nobody to pay", to)
		}
	}
}

// An ack counts if it is the only one.
func TestAckTwice(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		said []string
		id   string
		want bool
	}{
		{nil, "K1", false},
		{[]string{"K1"}, "K1", true},
		{[]string{"K1", "K1"}, "K1", true},
		{[]string{"K1", "K2"}, "K1", false},
		{[]string{"K2", "K1"}, "K1", false},
		{[]string{"K1", "K1", ""}, "K1", false},
		{[]string{"", "K1"}, "K1", false},
		{[]string{""}, "", false},
		{nil, "", false},
	} {
		if got := acks(http.Header{"X-Payment-Ack": c.said}, c.id); got != c.want {
			t.Errorf("%q for %q: %v", c.said, c.id, got)
		}
	}
}
