package handlers

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rahgir/caddy-payments/payment"
)

// returner reads two parameters of a return, as most gateways have them.
type returner struct{ payment.Provider }

func (returner) ReadReturn(get func(string) string) (payment.Claimed, error) {
	if get("Authority") == "" {
		return payment.Claimed{}, errors.New("no Authority")
	}
	return payment.Claimed{ID: get("Authority")}, nil
}

// phpReads is PHP's reading of a query or a form: the last of two is meant, names are
// folded and end at a zero byte, and an array is another value than any text.
func phpReads(text string) map[string]string {
	read := make(map[string]string)
	for _, raw := range strings.Split(text, "&") {
		name, value, _ := strings.Cut(raw, "=")
		loosely := func(s string) string {
			s = strings.ReplaceAll(s, "+", " ")
			if d, err := url.PathUnescape(s); err == nil {
				return d
			}
			return s
		}
		name, value = loosely(name), loosely(value)
		name, _, _ = strings.Cut(name, "\x00")
		name = strings.TrimLeft(name, " ")
		base, rest, array := strings.Cut(name, "[")
		if array && !strings.Contains(rest, "]") {
			base, array = name, false
		}
		base = strings.NewReplacer(" ", "_", ".", "_", "[", "_").Replace(base)
		if array {
			value = "an array"
		}
		if base != "" {
			read[base] = value
		}
	}
	return read
}

// Whatever a customer makes of a return: where it reaches the shop, PHP reads of it the
// payment that we have compared, and what the shop itself put into its callback.
func TestObservedReturnsReadAlike(t *testing.T) {
	t.Parallel()
	h := routed("/cb")
	h.server = serving("12112")
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	o := &Observe{Provider: "p"}
	o.conf.provider = &provider{ProviderInfo: ProviderInfo{Provider: returner{}, Name: "p"}, terms: payment.Terms{Protocol: payment.Protocol{Params: []string{"Authority", "Status"}}}}
	passed, stopped := 0, 0
	name := rapid.SampledFrom([]string{
		"order_id", "key", "Authority", "Status", "order.id", "order+id", "order%20id", "order%2Eid", "+order_id", "order_id[]", "order_id%5B%5D", "order[id", "order_id%00", "order_id%00x",
		"Order_ID", "Authority%00", "Authority[]", "+Authority", "%41uthority", "utm_source", "k%65y", "",
	})
	value := rapid.SampledFrom([]string{"105", "106", "A1", "A2", "OK", "NOK", "k105", "k106", "", "%31%30%36", "1%00"})
	rapid.Check(t, func(t *rapid.T) {
		rec := &payment.Record{Site: "shop.test:12112", ID: "A1", Relay: &payment.Relayed{Callback: "http://shop.test:12112/cb?order_id=105&key=k105"}}
		parts := []string{"order_id=105", "key=k105", "Authority=A1", "Status=OK"}
		var body []string
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			pair := name.Draw(t, "name") + "=" + value.Draw(t, "value")
			switch at := rapid.IntRange(0, len(parts)).Draw(t, "at"); rapid.IntRange(0, 3).Draw(t, "how") {
			case 0:
				body = append(body, pair)
			case 1:
				if at < len(parts) {
					parts[at] = pair
				}
			default:
				parts = append(parts[:at:at], append([]string{pair}, parts[at:]...)...)
			}
		}
		query, form := strings.Join(parts, "&"), strings.Join(body, "&")
		method := http.MethodGet
		if len(body) > 0 {
			method = http.MethodPost
		}
		req := httptest.NewRequest(method, "http://shop.test:12112/cb?"+query, strings.NewReader(form))
		if len(body) > 0 {
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		r := asked(req)
		b, err := o.brought(r)
		named := b.named
		if err != nil || names(named, rec.ID) && h.otherAddress(r, o, rec, brought{}) != nil {
			stopped++
			return
		}
		passed++
		for from, read := range map[string]map[string]string{"$_GET": phpReads(query), "$_POST": phpReads(form)} {
			got, ok := read["Authority"]
			switch {
			case ok && got == rec.ID && !names(named, rec.ID):
				t.Fatalf("%s has our payment, and we did not see it: ?%s with %s", from, query, form)
			case !names(named, rec.ID):
				continue
			case ok && got != rec.ID:
				t.Fatalf("%s has the payment %q beside ours: ?%s with %s", from, got, query, form)
			}
			for param, want := range map[string]string{"order_id": "105", "key": "k105"} {
				if got, ok := read[param]; ok && got != want {
					t.Fatalf("%s has %s=%q: ?%s with %s", from, param, got, query, form)
				}
			}
		}
	})
	if passed == 0 || stopped == 0 {
		t.Errorf("%d passed, %d were stopped", passed, stopped)
	}
}

// However a shop's language makes a number or a text of an id, it is found to be that id;
// and a short number of the shop's own never is.
func TestSpellings(t *testing.T) {
	t.Parallel()
	const id = "3714061004"
	for _, value := range []string{id + "abc", id + "x", "0" + id, "+" + id, " " + id, id + " ", id + ".0", id + ".9", id + "\x00", id + "\n", id + ";", id + "e0", id + "]", id + ",", "000" + id + "x", "\t" + id, "0xdd6012cc", "3.714061004e9", "\u00a0" + id} {
		if !slices.Contains(spellings(value), id) {
			t.Errorf("%q is read as %q", value, spellings(value))
		}
	}
	for _, value := range []string{"a000000000000000000000000000000012ab", " A000000000000000000000000000000012AB ", "A000000000000000000000000000000012AB\x00x"} {
		if !slices.Contains(spellings(value), "A000000000000000000000000000000012AB") {
			t.Errorf("%q is read as %q", value, spellings(value))
		}
	}
	for _, value := range []string{id, "105", "0105", "2", "OK", "", "1e5", "-5", "105x"} {
		if got := spellings(value); len(got) > 0 && value != "1e5" {
			t.Errorf("%q is read as %q", value, got)
		}
	}
}

// orderer is a gateway whose return has the order of the create in it.
type orderer struct{ returner }

func (orderer) ReadReturn(get func(string) string) (payment.Claimed, error) {
	return payment.Claimed{ID: get("Authority")}, nil // as Zibal's, which does not read it
}

func (orderer) ReturnParams(r *payment.Record) map[string]string {
	return map[string]string{"Authority": r.ID, "orderId": r.Order}
}

// A return that names another order than its create is not the create's, though the shop
// put nothing of its own into the callback.
func TestAReturnNamesTheOrderOfItsCreate(t *testing.T) {
	t.Parallel()
	h := routed("/cb")
	h.server = serving("12112")
	standAt(t, []*Handler{h}, standing{hosts: hosts{names: []string{"shop.test"}}})
	o := &Observe{Provider: "p"}
	o.conf.orders = orderParams(orderer{})
	o.conf.provider = &provider{ProviderInfo: ProviderInfo{Provider: orderer{}, Name: "p"}, terms: payment.Terms{Protocol: payment.Protocol{Params: []string{"Authority", "orderId"}}}}
	for name, c := range map[string]struct {
		order, callback, query string
		passes                 bool
	}{
		"its own":                     {"cheap", "/cb", "Authority=A1&orderId=cheap", true},
		"another":                     {"cheap", "/cb", "Authority=A1&orderId=dear", false},
		"both":                        {"cheap", "/cb", "Authority=A1&orderId=cheap&orderId=dear", false},
		"folded":                      {"cheap", "/cb", "Authority=A1&orderId=cheap&orderId%00=dear", false},
		"none":                        {"cheap", "/cb", "Authority=A1", true},
		"in Persian digits":           {"12", "/cb", "Authority=A1&orderId=۱۲", true},
		"of a create without one":     {"A1", "/cb", "Authority=A1&orderId=7", true},
		"where the shop has its name": {"cheap", "/cb?orderId=9", "orderId=9&Authority=A1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := &payment.Record{Site: "shop.test:12112", ID: "A1", Order: c.order, Relay: &payment.Relayed{Callback: "http://shop.test:12112" + c.callback}}
			r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test:12112/cb?"+c.query, nil))
			if err := h.otherAddress(r, o, rec, brought{}); (err == nil) != c.passes {
				t.Errorf("%v", err)
			}
		})
	}
}

// Only of a payment whose address we know is a return compared with it; the request of any
// other passes as it is.
func TestHeld(t *testing.T) {
	for name, c := range map[string]struct {
		rec  *payment.Record
		want bool
	}{
		"nothing":                       {nil, false},
		"noted on the way to the bank":  {&payment.Record{State: payment.Created, Observed: new(payment.Observed)}, false},
		"created through a relay":       {&payment.Record{Relay: new(payment.Relayed)}, true},
		"announced with its address":    {&payment.Record{Return: &payment.Return{URI: "/cb?order=1"}}, true},
		"announced without its address": {&payment.Record{Return: new(payment.Return)}, false},
	} {
		if got := held(c.rec); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
