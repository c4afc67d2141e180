package scrub

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// ours are the names that the module sets.
var ours = []string{
	"X-Payment-Status", "X-Payment-Provider", "X-Payment-Id", "X-Payment-Order", "X-Payment-Item", "X-Payment-Amount",
	"X-Payment-Currency", "X-Payment-Paid", "X-Payment-Amount-Checked", "X-Payment-Environment", "X-Payment-Reference",
	"X-Payment-Card", "X-Payment-Paid-At", "X-Payment-Track-Id", "X-Payment-Delivery", "X-Payment-Via", "X-Payment-Receipt",
	"X-Payment-Ack", "X-Payment-Return", "X-Payment",
}

func request(h http.Header) *http.Request { return &http.Request{Header: h} }

// TestEverySubstitute puts each of the 256 bytes, and some of more bytes, in the
// place of each separator of each name.
func TestEverySubstitute(t *testing.T) {
	for _, name := range ours {
		for at := range len(name) {
			if name[at] != '-' {
				continue
			}
			try := func(sep string, want bool) {
				key := name[:at] + sep + name[at+1:]
				for _, key := range []string{key, strings.ToLower(key), strings.ToUpper(key)} {
					r := request(http.Header{key: {"forged"}, "Accept": {"*/*"}})
					if n := Request(r); (n == 1) != want || len(r.Header) != 2-n {
						t.Errorf("%q: removed %d, want %v", key, n, want)
					}
				}
			}
			for c := range 256 {
				letter := alnum(byte(c))
				// Behind the second hyphen a letter makes another suffix, which is
				// ours as well where a hyphen stands before it.
				second := strings.IndexByte(name[2:], '-') + 2
				try(string([]byte{byte(c)}), !letter || at > second)
			}
			for _, sep := range []string{"--", "-_", "  ", "‐", "－", " ", "\x00", "̲", "__~"} {
				try(sep, true)
			}
		}
	}
}

// reference is what Ours means, said differently.
var reference = regexp.MustCompile(`^-?x-payment(-|$)`)

func ourName(name string) bool {
	folded := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(asciiLower(name), "-")
	return reference.MatchString(folded)
}

func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 32
		}
	}
	return string(b)
}

func TestOursProperty(t *testing.T) {
	part := rapid.SampledFrom([]string{"x", "X", "payment", "PAYMENT", "Payment", "payments", "pay", "status", "id", "-", "_", ".", "~", " ", "\xe2\x80\x90", "İ", "K", "1"})
	rapid.Check(t, func(t *rapid.T) {
		name := strings.Join(rapid.SliceOfN(part, 0, 8).Draw(t, "parts"), "")
		if rapid.Bool().Draw(t, "random") {
			name = rapid.String().Draw(t, "name")
		}
		if got, want := Ours(name), ourName(name); got != want {
			t.Fatalf("%q: %v, want %v", name, got, want)
		}
	})
}

func TestOthersStay(t *testing.T) {
	for _, name := range []string{
		"", "-", "X", "X-", "X-Pay", "X-Paymen", "X-Payments", "X-Payments-Id", "Xpayment-Id", "XX-Payment-Id", "X-Real-Payment-Id",
		"Payment-Id", "X-PaymentId", "X-Payment2", "Accept", "X-Forwarded-For", "Content-Type",
	} {
		if Ours(name) {
			t.Errorf("%q is none of ours", name)
		}
	}
}

func TestRequest(t *testing.T) {
	r := request(http.Header{
		"X-Payment-Status": {"verified", "verified"}, "X_Payment_Id": {"1"}, "x.payment.order": {"5"}, "X-Payment": {"x402"},
		"Trailer": {"X-Payment-Status"}, "Proxy": {"http://evil.test"}, "PROXY": {"x"}, "Proxy-Authorization": {"keep"},
		"Connection": {"X-Payment-Receipt, Keep-Alive", "Upgrade,Content-Type"}, "Accept": {"*/*"},
	})
	r.Trailer = http.Header{"X-Payment-Status": {"verified"}, "X-Sum": {"1"}}
	if n := Request(r); n != 4 {
		t.Errorf("removed %d", n)
	}
	if r.Trailer != nil {
		t.Error("trailers are left")
	}
	want := http.Header{"Accept": {"*/*"}, "Proxy-Authorization": {"keep"}, "Connection": {"keep-alive, upgrade"}}
	if fmt.Sprint(r.Header) != fmt.Sprint(want) {
		t.Errorf("left: %v", r.Header)
	}
}

func TestConnection(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{[]string{"close"}, []string{"close"}},
		{[]string{"Keep-Alive"}, []string{"Keep-Alive"}},
		{[]string{"keep-alive, Upgrade"}, []string{"keep-alive, Upgrade"}},
		{[]string{"TE, close"}, []string{"TE, close"}},
		{[]string{"Upgrade", "close"}, []string{"Upgrade", "close"}},
		{[]string{""}, []string{""}},
		{[]string{"x-payment-status"}, nil},
		{[]string{"Content-Type, Close, close"}, []string{"close"}},
		{[]string{",,"}, nil},
		{[]string{" upgrade\t,\tCookie "}, []string{"upgrade"}},
		{[]string{"close;x"}, nil},
		{[]string{"close", "X-Payment-Receipt"}, []string{"close"}},
	} {
		for _, name := range []string{"Connection", "connection"} {
			r := request(http.Header{name: slices.Clone(c.in)})
			Request(r)
			if got := r.Header[name]; !slices.Equal(got, c.want) {
				t.Errorf("%q: %q, want %q", c.in, got, c.want)
			}
		}
	}
}

// TestConnectionProperty: nothing but the four options ever stays, and what is
// clean is not touched.
func TestConnectionProperty(t *testing.T) {
	token := rapid.OneOf(rapid.SampledFrom([]string{"close", "Keep-Alive", "UPGRADE", "te", "X-Payment-Id", "", " ", "Cookie"}), rapid.StringN(0, 12, -1))
	rapid.Check(t, func(t *rapid.T) {
		var values []string
		for range rapid.IntRange(1, 3).Draw(t, "n") {
			values = append(values, strings.Join(rapid.SliceOfN(token, 0, 4).Draw(t, "tokens"), ","))
		}
		h := http.Header{"Connection": values}
		connection(h, "Connection")
		for _, v := range h["Connection"] {
			for tok := range strings.SplitSeq(v, ",") {
				if tok = strings.ToLower(strings.Trim(tok, " \t")); tok != "" && !slices.Contains(hops[:], tok) {
					t.Fatalf("%q stays of %q", tok, values)
				}
			}
		}
		before := slices.Clone(h["Connection"])
		connection(h, "Connection")
		if !slices.Equal(before, h["Connection"]) {
			t.Fatalf("a second time: %q, then %q", before, h["Connection"])
		}
	})
}

func TestClearAndResponse(t *testing.T) {
	h := http.Header{"X-Payment-Status": {"verified"}, "x_payment_id": {"1"}, "Connection": {"X-Payment-Id"}}
	Clear(request(h))
	if len(h) != 1 {
		t.Errorf("left: %v", h)
	}
	h = http.Header{
		"X-Payment-Ack": {"1"}, "X-PAYMENT-ORDER": {"1"}, http.TrailerPrefix + "X-Payment-Status": {"verified"},
		http.TrailerPrefix + "X-Sum": {"1"}, "Set-Cookie": {"a=b"}, "Connection": {"close"},
	}
	Response(h)
	if len(h) != 3 {
		t.Errorf("left: %v", h)
	}
}

func usual() http.Header {
	return http.Header{
		"Accept": {"text/html,application/xhtml+xml"}, "Accept-Encoding": {"gzip, br"}, "Accept-Language": {"fa-IR,fa;q=0.9"},
		"Connection": {"keep-alive"}, "Cookie": {"PHPSESSID=1"}, "User-Agent": {"Mozilla/5.0"}, "X-Forwarded-For": {"192.0.2.1"},
		"Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Mode": {"navigate"}, "Upgrade-Insecure-Requests": {"1"}, "X-Requested-With": {"a"},
	}
}

func TestNoAllocations(t *testing.T) {
	r := request(usual())
	if n := testing.AllocsPerRun(100, func() { Request(r); Clear(r); Response(r.Header) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	r.Header["Connection"] = []string{"Upgrade", "keep-alive, TE"}
	if n := testing.AllocsPerRun(100, func() { Request(r) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzOurs(f *testing.F) {
	for _, name := range ours {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if Ours(name) != ourName(name) {
			t.Errorf("%q", name)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	r := request(usual())
	b.ReportAllocs()
	for b.Loop() {
		Request(r)
	}
}

// A WebSocket is upgraded to, whatever the case of its name; nothing else is, because no gate sees a
// request inside of it.
func TestUpgrades(t *testing.T) {
	for name, values := range map[string][]string{"Upgrade": {"websocket", "WebSocket"}, "upgrade": {"websocket"}} {
		for _, v := range values {
			if r := request(http.Header{name: {v}, "Connection": {"Upgrade"}}); Request(r) != 0 || r.Header[name] == nil {
				t.Errorf("%s: %s is gone", name, v)
			}
		}
	}
	for _, values := range [][]string{{"h2c"}, {"H2C"}, {"TLS/1.0"}, {"foo"}, {""}, {"websocket, h2c"}, {"websocket", "h2c"}, {"websocket", "websocket"}, {" websocket"}} {
		if r := request(http.Header{"Upgrade": values, "Connection": {"Upgrade, HTTP2-Settings"}}); Request(r) != 0 || r.Header["Upgrade"] != nil {
			t.Errorf("%q stays", values)
		}
	}
}
