package relay

import (
	"net/http/httptest"
	"testing"
)

// Two calls of one program have one name, whatever port they come from; another machine, or
// another program on the same one, has another.
func TestAskersAreToldApart(t *testing.T) {
	name := func(peer, agent string) string {
		r := httptest.NewRequest("POST", "/x", nil)
		r.RemoteAddr = peer
		if agent != "" {
			r.Header.Set("User-Agent", agent)
		}
		return askerOf(r)
	}
	one := name("10.0.0.1:4000", "WordPress/6.8")
	if one == "" || one != name("10.0.0.1:4001", "WordPress/6.8") || name("@", "") == "" {
		t.Error("calls of one program have several names")
	}
	for _, other := range []string{name("10.0.0.2:4000", "WordPress/6.8"), name("10.0.0.1:4000", "cron"), name("10.0.0.1:4000", ""), name("@", "WordPress/6.8")} {
		if other == one {
			t.Error("two programs have one name")
		}
	}
}
