package caching

import (
	"net/http"
	"testing"

	"pgregory.net/rapid"
)

// Which header lets a cache keep an answer of ours.
func TestKept(t *testing.T) {
	for _, c := range []struct{ name, value, want string }{
		{"Cache-Control", "no-store", ""}, {"Cache-Control", "max-age=0, No-Store", ""}, {"Cache-Control", "public, max-age=600", "Cache-Control"},
		{"Cache-Control", "private", "Cache-Control"}, {"Cache-Control", "", "Cache-Control"}, {"Cache-Control", "no-store, must-understand", "Cache-Control"},
		{"Cache-Control", "no-store, public", "Cache-Control"}, {"Cache-Control", "no-store, s-maxage=60", "Cache-Control"}, {"Cache-Control", "{http.vars.x}", "Cache-Control"}, {"Expires", "0", ""}, {"Expires", "Mon, 26 Jul 1997 05:00:00 GMT", ""},
		{"Expires", "Fri, 31 Dec 2199 23:59:59 GMT", "Expires"}, {"Expires", "{http.vars.x}", "Expires"}, {"Age", "5", ""}, {"Pragma", "public", ""},
		{"Surrogate-Control", "max-age=600", "Surrogate-Control"}, {"Surrogate-Control", "max-age=0", ""}, {"Surrogate-Control", "no-store", ""},
		{"Cdn-Cache-Control", "public", "Cdn-Cache-Control"}, {"Cdn-Cache-Control", "s-maxage=60", "Cdn-Cache-Control"}, {"Cloudflare-Cdn-Cache-Control", "private", ""},
		{"X-Accel-Expires", "600", "X-Accel-Expires"}, {"X-Accel-Expires", "0", ""}, {"X-Accel-Expires", "off", ""}, {"X-Accel-Expires", "@1999999999", "X-Accel-Expires"},
	} {
		h := http.Header{"Cache-Control": {"private, no-store"}}
		h[c.name] = []string{c.value}
		if got := Kept(h); got != c.want {
			t.Errorf("%s: %s: %q, want %q", c.name, c.value, got, c.want)
		}
	}
}

// Whatever a header said, nothing of it lets a cache keep the answer afterwards.
func TestPrivateKeepsNothing(t *testing.T) {
	name := rapid.SampledFrom([]string{"Cache-Control", "Expires", "Age", "Surrogate-Control", "Cdn-Cache-Control", "X-Accel-Expires", "X-Varnish-Ttl", "Etag"})
	value := rapid.SampledFrom([]string{"public, max-age=60", "no-store", "600", "must-understand, no-store", "Fri, 31 Dec 2199 23:59:59 GMT", "no-cache"})
	rapid.Check(t, func(t *rapid.T) {
		h := make(http.Header)
		for k, v := range rapid.MapOf(name, value).Draw(t, "header") {
			h.Add(k, v)
		}
		Private(h, "private, no-store")
		if kept := Kept(h); kept != "" {
			t.Errorf("%s: %v", kept, h)
		}
	})
}
