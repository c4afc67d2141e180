package app_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
)

// A return of what was created through a site's relay is held to its create, also where no
// `observe` takes the shop's returns: on any path, in the address and in a form.
func TestRelayedReturnsAreBoundWithoutObserve(t *testing.T) {
	w := newBrought(t)
	begin, end := strings.Index(w.text, "verify /explained"), strings.Index(w.text, "}\n\treverse_proxy")
	w.text = w.text[:begin] + w.text[end:] // the relay alone
	w.must(w.load())
	body, _ := json.Marshal(map[string]any{"merchant_id": harness.APIKey, "amount": 50000, "callback_url": w.site + "/back?order=cheap", "description": "order"})
	res, err := http.Post(w.site+"/-/pay/secret/zarinpal/pg/v4/payment/request.json", "application/json", strings.NewReader(string(body)))
	w.must(err)
	defer res.Body.Close()
	var made struct{ Data struct{ Authority string } }
	w.must(json.NewDecoder(res.Body).Decode(&made))
	ours, unknown := made.Data.Authority, "A00000000000000000000000000000009999"
	if ours == "" {
		t.Fatal("it was not created")
	}
	for name, c := range map[string]struct {
		path, form string
		passes     bool
	}{
		"as its create":              {"/back?order=cheap&Authority=" + ours + "&Status=OK", "", true},
		"with a last slash":          {"/back/?order=cheap&Authority=" + ours + "&Status=NOK", "", true},
		"moved to another order":     {"/back?order=dear&Authority=" + ours + "&Status=OK", "", false},
		"moved to another path":      {"/dear?order=cheap&Authority=" + ours + "&Status=OK", "", false},
		"without the order":          {"/back?Authority=" + ours + "&Status=OK", "", false},
		"in another spelling":        {"/back?order=dear&Authority=%09" + ours + "&Status=OK", "", false},
		"by a form":                  {"/back?order=dear", url.Values{"Authority": {ours}, "Status": {"OK"}}.Encode(), false},
		"a payment that nobody made": {"/back?order=dear&Authority=" + unknown + "&Status=OK", "", true},
		"its id alone, too early":    {"/back?order=dear&Authority=" + ours, "", false},
		"no return":                  {"/back?order=dear&Status=OK", "", true},
	} {
		before := len(w.shop.Seen())
		method := http.MethodGet
		if c.form != "" {
			method = http.MethodPost
		}
		r, err := http.NewRequest(method, w.site+c.path, strings.NewReader(c.form))
		w.must(err)
		if c.form != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		res, err := http.DefaultClient.Do(r)
		w.must(err)
		_ = res.Body.Close()
		if reached := len(w.shop.Seen()) > before; reached != c.passes || !c.passes && res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d, reached the shop %v", name, res.StatusCode, reached)
		}
	}
	if got := fmt.Sprint(w.record(ours).State); got != "created" {
		t.Errorf("the payment is %s: %+v", got, w.record(ours))
	}
}
