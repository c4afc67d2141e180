package wire

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestParseBase(t *testing.T) {
	for in, want := range map[string]string{
		"https://API.idpay.ir":             "https://api.idpay.ir",
		"https://api.idpay.ir:443/":        "https://api.idpay.ir",
		"https://api.idpay.ir./a/b/":       "https://api.idpay.ir/a/b",
		"http://localhost:9101/idpay":      "http://localhost:9101/idpay",
		"http://shop.localhost":            "http://shop.localhost",
		"http://127.0.0.9:80":              "http://127.0.0.9",
		"http://[::1]:9101/x":              "http://[::1]:9101/x",
		"http://[::ffff:127.0.0.1]":        "http://[::ffff:127.0.0.1]",
		"https://[2001:db8::1]:8443/a-b_c": "https://[2001:db8::1]:8443/a-b_c",
	} {
		if b, err := ParseBase("base_url", in, false); err != nil || b.LogString() != want {
			t.Errorf("%s: %s, %v", in, b.LogString(), err)
		}
	}
	for _, in := range []string{
		"", "api.idpay.ir", "//api.idpay.ir", "ftp://x", "https://", "https:opaque", "https://u@x", "https://u:canary@x", "https://x?", "https://x?a=1",
		"https://x#", "https://x#a", "https://x/a/../b", "https://x//a", "https://x/a%2fb", "https://x/a b", "https://x/{id}", "https://x/\\a",
		"http://x", "http://10.0.0.1", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "https://x:canary",
	} {
		_, err := ParseBase("base_url", in, false)
		if !errors.Is(err, ErrAddress) || !strings.Contains(err.Error(), "base_url") || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", in, err)
		}
	}
	if b, err := ParseBase("base_url", "http://24pal.ir", true); err != nil || b.Identity() != "24pal.ir" {
		t.Errorf("insecure: %v", err)
	}
}

func TestURL(t *testing.T) {
	b, err := ParseBase("base_url", "https://x.example/p/", false)
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]string{
		"a-1": "a-1", "..": "%2E%2E", ".": "%2E", "a/b": "a%2Fb", "%2f": "%252f", "a b": "a%20b", "?x#y": "%3Fx%23y", "ی": "%DB%8C",
	} {
		if got := b.URL("/check", id); got != "https://x.example/p/check/"+want {
			t.Errorf("%s: %s", id, got)
		}
	}
}

func TestPage(t *testing.T) {
	p, err := ParsePage("pay_url", "http://localhost:1/a/{id}/z", "{id}", "/x/", false)
	if err != nil || p.URL("k/1") != "http://localhost:1/a/k%2F1/z" {
		t.Fatalf("%s, %v", p.URL("k/1"), err)
	}
	for in, want := range map[string]string{
		"http://LOCALHOST:1/a/k%2F1/z": "k/1", "http://localhost:1/a/k/z?x#y": "k", "http://localhost:1/a/k/z/": "k",
		"http://localhost:1/a/k": "", "http://localhost:1/a//z": "", "http://localhost:1/a/k/k/z": "", "http://localhost:2/a/k/z": "",
		"https://localhost:1/a/k/z": "", "localhost:1/a/k/z": "", "//localhost:1/a/k/z": "",
	} {
		u, err := url.Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		if id, ok := p.Match(u); id != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", in, id, ok)
		}
	}
	if q, err := ParsePage("pay_url", "https://x.example/b", "{id}", "/x/", false); err != nil || q.URL("1") != "https://x.example/b/x/1" {
		t.Errorf("%v, %v", q, err)
	}
	if _, ok := p.Match(nil); ok {
		t.Error("nil")
	}
}
