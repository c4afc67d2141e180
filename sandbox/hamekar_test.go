package sandbox

import (
	"strings"
	"testing"
)

func TestHamekarSamples(t *testing.T) {
	r := newRig(t, Options{})
	good := strings.Replace(fixture(t, "hamekar_request"), "{track-id}", "064ee72930404724974761b0b41e9e49", 1)
	send := func(token, kind, body string) got {
		return r.do("POST", "/hamekar/customer/callback", body, "Content-Type", kind, "x-store-token", token)
	}
	const json = "application/json"
	for _, c := range []struct {
		name, token, kind, body string
		status                  int
		result                  string
	}{
		{"accepted", "secret-store-token", json, good, 202, "accepted"},
		{"repeat", "secret-store-token", json, good, 202, "repeat"},
		{"status 0", "t", json, strings.Replace(good, ":1", ":0", 1), 422, "refused"},
		{"status text", "t", json, strings.Replace(good, ":1", `:"1"`, 1), 422, "refused"},
		{"no track", "t", json, `{"track_id":"","status":1}`, 422, "refused"},
		{"number track", "t", json, `{"track_id":12,"status":1}`, 422, "refused"},
		{"unknown track", "t", json, `{"track_id":"unknown-1","status":1}`, 422, "refused"},
		{"form", "t", "application/x-www-form-urlencoded", "track_id=1&status=1", 422, "refused"},
		{"no token", "", json, good, 401, "unauthorized"},
		{"wrong token", "wrong", json, good, 401, "unauthorized"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r.T = t
			file := map[int]string{202: "hamekar_202", 401: "hamekar_401", 422: "hamekar_422"}[c.status]
			r.want(send(c.token, c.kind, c.body), c.status, fixture(t, file))
			calls := r.sb.Ledger("", "", "").Conversions
			if last := calls[len(calls)-1]; last.Result != c.result || last.HTTP != c.status || last.Body != c.body {
				t.Errorf("ledger: %+v", last)
			}
		})
	}
	r.T = t
	l := r.sb.Ledger("", "", "")
	if l.Totals.Tracks != 1 || l.Tracks["064ee72930404724974761b0b41e9e49"].Count != 2 {
		t.Errorf("tracks: %+v", l.Tracks)
	}
	if token := l.Conversions[0].Headers["X-Store-Token"]; token != "secr****" {
		t.Errorf("the token is in the ledger: %s", token)
	}
	if g := r.control("GET", "ledger", ""); strings.Contains(g.body, "secret-store-token") {
		t.Error("the token is in the ledger's JSON")
	}

	page := r.do("GET", "/hamekar/", "", "Accept-Language", "en")
	if page.status != 200 || !strings.Contains(page.body, "064ee72930404724974761b0b41e9e49") ||
		!strings.Contains(page.body, `http-equiv="refresh"`) || strings.Contains(page.body, "secret") {
		t.Errorf("page: %d %s", page.status, page.body)
	}

	r.sb.SetSettings("hamekar", Settings{KnownTracks: []string{"a"}})
	r.want(send("t", json, good), 422, fixture(t, "hamekar_422"))
	r.want(send("t", json, `{"track_id":"a","status":1}`), 202, fixture(t, "hamekar_202"))
}
