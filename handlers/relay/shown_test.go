package relay

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// Whatever a plugin makes of the relay's address, no event repeats the secret in it.
func TestNoEventRepeatsTheRelaysPath(t *testing.T) {
	t.Parallel()
	const own, secret = "/-/pay/sEcReT99", "secret99"
	server := func() (*Server, *fakeApp) {
		app := &fakeApp{rel: &dialect{}}
		s := &Server{App: app}
		if err := s.Provision(); err != nil {
			t.Fatal(err)
		}
		return s, app
	}
	for _, below := range []string{
		own + "/gate/verify", own, own + "/", "/gate" + own + "/gate/verify", "/https://shop.test" + own + "/gate/verify", "/https:/shop.test" + own,
		"/gate/https://shop.test" + own + "gate/verify", "/gate/SECRET99", "/%73EcReT99", "/gate/%2573ecret99", "/gate/%252573ecret99/x", "/gate%2F-%2Fpay%2FsEcReT99",
		"/" + strings.Repeat("x/", 100) + "sEcReT99", "//sEcReT99//", "/gate/xsEcReT99x",
	} {
		s, app := server()
		r := httptest.NewRequest("POST", own+below, strings.NewReader("{}"))
		r.RemoteAddr = "127.0.0.1:5000"
		_ = s.Serve(httptest.NewRecorder(), r, below)
		if len(app.events) == 0 {
			t.Errorf("%s: no event", below)
		}
		for _, e := range app.events {
			if e.Err == nil || strings.Contains(strings.ToLower(e.Err.Error()), secret) || !strings.Contains(e.Err.Error(), "written twice") {
				t.Errorf("%s: %v", below, e.Err)
			}
		}
	}
	for below, want := range map[string]string{
		"/gate/refund": "/refund", "/nobody/pay": "/nobody/pay", "/gate/sEcRe": "/sEcRe", "/nobody/" + strings.Repeat("x", 92): strings.Repeat("x", 92) + " names",
		"/nobody/" + strings.Repeat("x", 93): "/" + strings.Repeat("x", 92) + "… names", "/nobody/" + strings.Repeat("x", 5000): "/" + strings.Repeat("x", 92) + "… names",
	} {
		s, app := server()
		r := httptest.NewRequest("POST", own+below, strings.NewReader("{}"))
		r.RemoteAddr = "127.0.0.1:5000"
		_ = s.Serve(httptest.NewRecorder(), r, below)
		if len(app.events) != 1 || !strings.Contains(app.events[0].Err.Error(), want) {
			t.Errorf("%s: %+v", below, app.events)
		}
	}
	// In the provider's place there is no path of the relay's, and nothing to hide.
	r := httptest.NewRequest("POST", "/pg/v4/refund.json", nil)
	if got := shown(r, "/pg/v4/refund.json"); got != "/pg/v4/refund.json" {
		t.Error(got)
	}
	for path, repeated := range map[string]bool{"/ab/gate": true, "/x/ab": true, "/abc": false, "/xab/": false} {
		if repeats(path, "/ab") != repeated {
			t.Errorf("a short path of a relay, %s: not %v", path, repeated)
		}
	}
}
