package sandbox

import (
	"strings"
	"testing"
	"time"
)

func (r *rig) vandar(op, body string) got {
	r.Helper()
	body = strings.Replace(body, "{", `{"api_key":"k1",`, 1)
	return r.do("POST", "/vandar/api/v4/"+op, body, "Content-Type", "application/json")
}

func (r *rig) vandarNew(more string) (id string) {
	r.Helper()
	g := r.vandar("send", `{"amount":20000,"callback_url":"http://shop.test/back"`+more+`}`)
	id = text(g.json(r.T)["token"])
	if want := `{"status":1,"token":"` + id + `"}`; id == "" || g.body != want {
		r.Fatalf("send: %d %s", g.status, g.body)
	}
	return id
}

func (r *rig) vandarWant(g got, status int, has ...string) {
	r.Helper()
	for _, want := range has {
		if g.status != status || !strings.Contains(g.body, want) {
			r.Errorf("want %d %s: %d %s", status, want, g.status, g.body)
		}
	}
}

func TestVandarFlow(t *testing.T) {
	r := newRig(t, Options{})
	id := r.vandarNew(`,"factorNumber":"o-1","description":"x"`)
	ask := `{"token":"` + id + `"}`
	r.vandarWant(r.vandar("verify", ask), 422, `"status":0`, `"errors":["`)
	r.vandarWant(r.vandar("transaction", ask), 422, `"status":0`)
	for _, path := range []string{"v4/", "v3/", "web/v4/"} {
		if g := r.do("GET", "/vandar/"+path+id, ""); g.status != 200 {
			t.Errorf("pay page %s: %d", path, g.status)
		}
	}
	acted, err := r.sb.Act(id, ActionDecline)
	if want := "http://shop.test/back?token=" + id + "&payment_status=FAILED"; err != nil || acted.Return.URL != want {
		t.Errorf("%+v, %v", acted.Return, err)
	}
	acted, err = r.sb.Act(id, ActionPay)
	if want := "http://shop.test/back?token=" + id + "&payment_status=OK"; err != nil || acted.Return.URL != want {
		t.Errorf("%+v, %v", acted.Return, err)
	}
	r.vandarWant(r.vandar("transaction", ask), 200, `"status":1`, `"code":1`, `"amount":"20000"`)
	r.vandarWant(r.vandar("verify", ask), 200, `"status":1`, `"amount":"20000.00"`, `"realAmount":20000`, `"wage":null`, `"factorNumber":"o-1"`, `"message":"ok"`)
	r.vandarWant(r.vandar("verify", ask), 200, `{"status":2,`)
	r.vandarWant(r.vandar("transaction", ask), 200, `"status":1`, `"code":2`)
	if p := r.payment(id); p.Settled != 20000 || p.Order != "o-1" || p.Verify.First != 1 || p.Verify.Again != 1 || p.Inquiries != 3 {
		t.Errorf("ledger: %+v", p)
	}
}

// Who bears the fee: what the answer's three amounts are then.
func TestVandarFees(t *testing.T) {
	for feeType, want := range map[string]string{
		"buyer":    `"amount":"20500.00","realAmount":20000,"wage":"500"`,
		"merchant": `"amount":"20000.00","realAmount":19500,"wage":"500"`,
	} {
		r := newRig(t, Options{})
		r.control("POST", "settings", `{"vandar":{"fee":500,"fee_type":"`+feeType+`"}}`)
		id := r.vandarNew("")
		if _, err := r.sb.Act(id, ActionPay); err != nil {
			t.Fatal(err)
		}
		r.vandarWant(r.vandar("verify", `{"token":"`+id+`"}`), 200, want, `"factorNumber":null`)
	}
}

func TestVandarRefuses(t *testing.T) {
	r := newRig(t, Options{})
	for body, about := range map[string]string{
		`{"amount":999,"callback_url":"http://shop.test/"}`: "amount", `{"amount":1000,"callback_url":"x"}`: "callback_url", `{"amount":"x","callback_url":"http://shop.test/"}`: "amount",
		`{"amount":1000,"callback_url":"http://shop.test/","description":"` + strings.Repeat("a", 256) + `"}`: "description",
	} {
		r.vandarWant(r.vandar("send", body), 422, about)
	}
	id := r.vandarNew("")
	for _, key := range []string{"", "wrong"} {
		g := r.do("POST", "/vandar/api/v4/verify", `{"api_key":"`+key+`","token":"`+id+`"}`, "Content-Type", "application/json")
		r.vandarWant(g, 422, "api_key")
	}
	r.vandarWant(r.do("POST", "/vandar/api/v4/verify", `{"api_key":"k2","token":"`+id+`"}`, "Content-Type", "application/json"), 422, `"status":0`)
	if _, err := r.sb.Act(id, ActionClose); err != nil {
		t.Fatal(err)
	}
	r.sb.Advance(20 * time.Minute)
	r.vandarWant(r.vandar("transaction", `{"token":"`+id+`"}`), 200, `"code":1`)
	r.sb.Advance(time.Second)
	r.vandarWant(r.vandar("verify", `{"token":"`+id+`"}`), 200, `"status":3`)
	if g := r.do("GET", "/vandar/api/v4/verify", ""); g.status != 405 {
		t.Errorf("GET: %d", g.status)
	}
	if g := r.do("POST", "/vandar/api/v4/other", "{}"); g.status != 404 {
		t.Errorf("other: %d", g.status)
	}
	r.fault(`{"provider":"vandar","kind":"error","code":"2","count":1}`)
	r.vandarWant(r.vandar("verify", `{"token":"`+id+`"}`), 200, `"status":2`)
	r.fault(`{"provider":"vandar","kind":"error","code":"api_key","count":1}`)
	r.vandarWant(r.vandar("verify", `{"token":"`+id+`"}`), 422, `api_key`)
}
