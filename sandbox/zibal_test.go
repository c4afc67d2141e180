package sandbox

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

func (r *rig) zibal(op, body string) got {
	r.Helper()
	body = strings.Replace(body, "{", `{"merchant":"5e8f0a6c18f93400152e7c2a",`, 1)
	return r.do("POST", "/zibal/"+op, body, "Content-Type", "application/json")
}

func (r *rig) zibalNew(more string) (id string) {
	r.Helper()
	g := r.zibal("v1/request", `{"amount":20000,"callbackUrl":"http://shop.test/back"`+more+`}`)
	id = text(g.json(r.T)["trackId"])
	if want := `{"trackId":` + id + `,"result":100,"message":"success"}`; id == "" || g.body != want {
		r.Fatalf("create: %d %s", g.status, g.body)
	}
	return id
}

func (r *rig) zibalWant(g got, result int, has ...string) {
	r.Helper()
	for _, want := range append(has, `"result":`+strconv.Itoa(result)) {
		if g.status != 200 || !strings.Contains(g.body, want) {
			r.Errorf("want %s: %d %s", want, g.status, g.body)
		}
	}
}

func TestZibalFlow(t *testing.T) {
	r := newRig(t, Options{})
	id := r.zibalNew(`,"orderId":"o-1","description":"x"`)
	ask := `{"trackId":` + id + `}`
	r.zibalWant(r.zibal("v1/verify", ask), 202)
	r.zibalWant(r.zibal("v1/inquiry", ask), 100, `"status":-1`, `"refNumber":null`, `"paidAt":null`)
	for _, path := range []string{"", "/direct"} {
		if g := r.do("GET", "/zibal/start/"+id+path, ""); g.status != 200 {
			t.Errorf("pay page %s: %d", path, g.status)
		}
	}
	acted, err := r.sb.Act(id, ActionPay)
	if want := "http://shop.test/back?success=1&trackId=" + id + "&orderId=o-1&status=2"; err != nil || acted.Return.URL != want {
		t.Errorf("%+v, %v", acted.Return, err)
	}
	r.zibalWant(r.zibal("v1/inquiry", ask), 100, `"status":2`, `"verifiedAt":null`)
	r.zibalWant(r.zibal("v1/verify", ask), 100, `"status":1`, `"amount":20000`, `"orderId":"o-1"`, `"multiplexingInfos":[]`)
	if g := r.zibal("verify", ask); g.body != `{"result":201,"message":"already verified"}` {
		t.Errorf("again: %s", g.body)
	}
	r.zibalWant(r.zibal("inquiry", ask), 100, `"status":1`, `"verifiedAt":"`)
	if p := r.payment(id); p.Settled != 20000 || p.Order != "o-1" || p.Verify.First != 1 || p.Verify.Again != 1 || p.Verify.Refused != 1 || p.Inquiries != 3 {
		t.Errorf("ledger: %+v", p)
	}
}

func TestZibalUnpaidAndLate(t *testing.T) {
	r := newRig(t, Options{})
	id := r.zibalNew("")
	ask := `{"trackId":` + id + `}`
	acted, err := r.sb.Act(id, ActionCancel)
	if want := "http://shop.test/back?success=0&trackId=" + id + "&status=3"; err != nil || acted.Return.URL != want {
		t.Errorf("%+v, %v", acted.Return, err)
	}
	if acted, err = r.sb.Act(id, ActionDecline); err != nil || !strings.HasSuffix(acted.Return.URL, "&status=5") {
		t.Errorf("%+v, %v", acted.Return, err)
	}
	r.control("POST", "settings", `{"zibal":{"window":"15m"}}`)
	_, _ = r.sb.Act(id, ActionPay)
	r.sb.Advance(16 * time.Minute)
	r.zibalWant(r.zibal("v1/verify", ask), 202)
	r.zibalWant(r.zibal("v1/inquiry", ask), 100, `"status":18`)
}

func TestZibalErrors(t *testing.T) {
	r := newRig(t, Options{})
	id := r.zibalNew("")
	good := `{"amount":20000,"callbackUrl":"http://shop.test/back"}`
	r.zibalWant(r.zibal("v1/request", strings.Replace(good, "20000", "999", 1)), 105)
	r.zibalWant(r.zibal("v1/request", strings.Replace(good, "http:", "ftp:", 1)), 106)
	r.zibalWant(r.zibal("v1/verify", `{"trackId":1}`), 203)
	// A text where a number should be.
	if g := r.zibal("v1/verify", `{"trackId":"`+id+`"}`); g.status != 500 || strings.Contains(g.body, "result") {
		t.Errorf("%d %s", g.status, g.body)
	}
	raw := func(merchant string) got {
		return r.do("POST", "/zibal/v1/verify", `{"merchant":"`+merchant+`","trackId":`+id+`}`, "Content-Type", "application/json")
	}
	r.zibalWant(raw("wrong"), 102)
	r.zibalWant(raw("another"), 203)
	if g := r.zibal("request/lazy", good); g.status != 404 {
		t.Errorf("lazy: %d", g.status)
	}
	if g := r.do("GET", "/zibal/v1/verify", ""); g.status != 405 {
		t.Errorf("GET: %d", g.status)
	}
	r.control("POST", "settings", `{"zibal":{"max_amount":10000}}`)
	r.zibalWant(r.zibal("v1/request", good), 113)
	r.fault(`{"provider":"zibal","kind":"error","code":"115","count":1}`)
	r.zibalWant(r.zibal("v1/verify", `{"trackId":`+id+`}`), 115)
}
