package dashboard

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/rahgir/caddy-payments/admin"
	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// standIn is what the real app looks like from here.
type standIn struct{ *operatetest.Ledger }

var ledger *operatetest.Ledger

func init() { caddy.RegisterModule(standIn{}) }

func (standIn) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "payments", New: func() caddy.Module { return &standIn{ledger} }}
}
func (standIn) Start() error { return nil }
func (standIn) Stop() error  { return nil }

// The whole of it in a real Caddy: basic_auth, the directive's place, the admin
// endpoint and its routes after a reload that failed.
func TestInCaddy(t *testing.T) {
	ledger = operatetest.New(t)
	r := ledger.Put(payment.Review, payment.ReasonAmount, nil)
	site, admin := strconv.Itoa(harness.Port(t)), strconv.Itoa(harness.Port(t))
	load := func(apps map[string]any) error {
		text := fmt.Sprintf(`{
	admin 127.0.0.1:%s
	auto_https off
	persist_config off
}
http://127.0.0.1:%s {
	respond "below" 200
	payment_dashboard /desk*
	basic_auth /desk* {
		sara $2a$04$GunuvS7Eg.UH6EOmXNnqleY13oeu/Lrz/HZYuySYMq5jU43.NoNCK
	}
}`, admin, site)
		adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), nil)
		if err != nil {
			t.Fatal(err)
		}
		var config map[string]any
		if err := json.Unmarshal(adapted, &config); err != nil {
			t.Fatal(err)
		}
		maps.Copy(config["apps"].(map[string]any), apps)
		b, _ := json.Marshal(config)
		return caddy.Load(b, true)
	}
	if err := load(map[string]any{"payments": map[string]any{}}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = caddy.Stop() })

	get := func(url, user string) (int, string) {
		req, _ := http.NewRequestWithContext(t.Context(), "GET", url, nil)
		if user != "" {
			req.SetBasicAuth(user, "hiccup")
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	at := "http://127.0.0.1:" + site
	if code, body := get(at+"/desk?lang=en", ""); code != 401 || strings.Contains(body, r.Order) {
		t.Errorf("without a user: %d %s", code, body)
	}
	if code, body := get(at+"/desk?lang=en", "sara"); code != 200 || !strings.Contains(body, r.Order) || !strings.Contains(body, "sara") {
		t.Errorf("with a user: %d %s", code, body)
	}
	if _, body := get(at+"/", ""); body != "below" {
		t.Errorf("beside: %s", body)
	}
	admins := func() {
		t.Helper()
		code, body := get("http://127.0.0.1:"+admin+"/payments/", "")
		var s operate.Summary
		if err := json.Unmarshal([]byte(body), &s); code != 200 || err != nil || s.Counts[payment.Review] != 1 {
			t.Errorf("admin: %d %s", code, body)
		}
		if code, body := get("http://127.0.0.1:"+admin+"/payments/show/"+url.PathEscape("nonsense"), ""); code != 400 || !strings.Contains(body, `"error"`) {
			t.Errorf("admin: %d %s", code, body)
		}
	}
	admins()
	broken := map[string]any{"subscriptions": []any{map[string]any{"handlers": []any{map[string]any{"handler": "nonsense"}}}}}
	if err := load(map[string]any{"payments": map[string]any{}, "events": broken}); err == nil {
		t.Fatal("the second configuration was to fail")
	}
	admins()
	if err := load(nil); err == nil {
		t.Fatal("a dashboard without the app was to fail")
	}
	admins()
}
