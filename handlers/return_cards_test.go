package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/internal/params"
	"github.com/rahgir/caddy-payments/payment"
)

// plastic is a provider whose return carries a card and its hash, which is as
// good as the card.
type plastic struct{ paper }

func (plastic) ReturnParams(r *payment.Record) map[string]string {
	set := map[string]string{"id": r.ID, "card_no": "", "hashed_card_no": ""}
	if r.Receipt != nil {
		set["card_no"] = r.Receipt.Card
	}
	return set
}

// A57: card data of a return is kept nowhere, neither with the payment nor in a
// page of ours that sends the return again. The card's place stays, for the
// masked one of the receipt.
func TestCardsOfAReturnAreKeptNowhere(t *testing.T) {
	t.Parallel()
	h := routed("/back")
	v := h.Verify[0]
	v.route.guarded = params.NewNames("id", "card_no", "hashed_card_no", paramBounce)
	v.route.provider.Provider, v.route.provider.terms.Params = plastic{}, []string{"id", "card_no", "hashed_card_no"}
	const pan, hash = "6037991234567319", "E59FA6241C94B8836E3D03120DF33E80FD988888BBA0A122240C2E7D23B48295"
	card := url.Values{"id": {"K1"}, "card_no": {pan}, "hashed_card_no": {hash}, "mine": {"5"}}.Encode()
	for _, r := range []*http.Request{
		httptest.NewRequest(http.MethodPost, "https://shop/back?a=1", strings.NewReader(card)),
		httptest.NewRequest(http.MethodGet, "https://shop/back?a=1&"+card, nil),
	} {
		post := r.Method == http.MethodPost
		if post {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r.Header.Set("Accept", "text/html")
		w := httptest.NewRecorder()
		visit := &returnRequest{h: h, v: v, w: w, r: asked(r)}
		if err := visit.read(); err != nil {
			t.Fatal(err)
		}
		ret := visit.asReturn()
		kept := ret.URI + " " + string(ret.Body)
		if strings.Contains(kept, pan) || strings.Contains(kept, hash) {
			t.Errorf("%s: kept: %s", r.Method, kept)
		}
		for _, want := range []string{"a=1", "id=K1", "mine=5"} {
			if !strings.Contains(kept, want) {
				t.Errorf("%s: %s is lost: %s", r.Method, want, kept)
			}
		}
		// What is kept gives the shop the card that the receipt knows, and no hash.
		u, err := url.ParseRequestURI(ret.URI)
		if err != nil {
			t.Fatal(err)
		}
		set, err := params.ParseKnown(u.RawQuery, ret.Body, ret.Type, v.route.guarded, "")
		if err != nil {
			t.Fatal(err)
		}
		query, body, _ := set.Rewrite(plastic{}.ReturnParams(&payment.Record{ID: "K1", Receipt: &payment.Receipt{Card: "603799******7319"}}))
		told, err := url.ParseQuery(query + "&" + string(body))
		if err != nil || told.Get("card_no") != "603799******7319" || told.Has("hashed_card_no") {
			t.Errorf("%s: the shop gets %v, %v", r.Method, told, err)
		}
		// A page that makes the browser send it again.
		if err := visit.unavailable(nil); err != nil {
			t.Fatal(err)
		}
		if page := w.Body.String(); strings.Contains(page, pan) || strings.Contains(page, hash) || !strings.Contains(page, "K1") {
			t.Errorf("%s: the page: %s", r.Method, page)
		}
		if !post {
			continue
		}
		w = httptest.NewRecorder()
		visit.w = w
		if err := visit.sendAgain(nil); err != nil {
			t.Fatal(err)
		}
		if page := w.Body.String(); strings.Contains(page, pan) || strings.Contains(page, hash) || !strings.Contains(page, "K1") {
			t.Errorf("sent again: %s", page)
		}
	}
}

// foldedCard is a provider whose return has the card inside of a text with everything
// else: "<id>/<card>".
type foldedCard struct{ paper }

func (foldedCard) ReadReturn(get func(string) string) (payment.Claimed, error) {
	id, card, ok := strings.Cut(get("data"), "/")
	if !ok || card == "" {
		return payment.Claimed{}, payment.ErrMalformed
	}
	return payment.Claimed{ID: id}, nil
}

func (foldedCard) ReturnParams(r *payment.Record) map[string]string {
	said := r.ID + "/"
	if r.Receipt != nil {
		said += r.Receipt.Card
	}
	return map[string]string{"data": said}
}

// A card inside of a text is left out by writing the text anew; a text that can't be
// read is left out whole. Whatever else the browser brought stays byte for byte.
func TestACardInsideOfATextIsKeptNowhere(t *testing.T) {
	t.Parallel()
	h := routed("/back")
	v := h.Verify[0]
	v.route.guarded = params.NewNames("data", paramBounce)
	v.route.provider.Provider, v.route.provider.terms.Params = foldedCard{}, []string{"data"}
	rapid.Check(t, func(t *rapid.T) {
		id := rapid.StringMatching(`[A-Za-z0-9]{1,12}`).Draw(t, "id")
		pan := rapid.StringMatching(`[1-9][0-9]{15}`).Draw(t, "card")
		mine := rapid.StringMatching(`(&[a-c]=[A-Za-z0-9%+]{0,3})?`).Draw(t, "the shop's")
		for data, want := range map[string]string{
			id + "/" + pan: url.QueryEscape(id + "/"),
			id + pan:       cardPlace, // nothing can be read in it
			id + "/":       cardPlace,
		} {
			query := "x=1&data=" + url.QueryEscape(data) + strings.ReplaceAll(mine, "%", "%25")
			visit := &returnRequest{h: h, v: v, w: httptest.NewRecorder(), r: asked(httptest.NewRequest(http.MethodGet, "https://shop/back?"+query, nil))}
			if err := visit.read(); err != nil {
				t.Fatal(err)
			}
			kept, body := visit.uncarded()
			if kept != "/back?x=1&data="+want+strings.ReplaceAll(mine, "%", "%25") || body != nil {
				t.Errorf("%s is kept as %s", query, kept)
			}
		}
	})
}
