package attacks_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/rahgir/caddy-payments/sandbox"
)

// listener is somebody who should hear nothing.
type listener struct {
	*httptest.Server
	mu    sync.Mutex
	heard []string
}

func listen(t testing.TB, secure bool) *listener {
	t.Helper()
	l := new(listener)
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.heard = append(l.heard, r.Method+" "+r.URL.String()+" "+r.Header.Get("X-API-KEY")+r.Header.Get("X-Store-Token"))
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"100","track_id":"1","id":"` + r.URL.Query().Get("id") + `","amount":"50000"}`))
	})
	if secure {
		l.Server = httptest.NewTLSServer(h)
	} else {
		l.Server = httptest.NewServer(h)
	}
	t.Cleanup(l.Close)
	return l
}

func (l *listener) all() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.heard...)
}

// outbound: our calls to providers and networks.
func outbound() []attack {
	return []attack{
		{
			id: "A52", name: "provider_redirects", title: "the provider's host answers with a redirect to another", plugins: []string{tolerant, strict},
			run: func(x *trial) {
				evil := listen(x.T, false)
				b := x.customer()
				id, order, ret := x.paid(b, 50_000)
				x.fault(sandbox.Fault{Kind: "redirect", Location: evil.URL, Operation: "verify", Payment: id, Count: 1})
				x.come(b, ret)
				x.ends(b, ret, order)
				if n := len(evil.all()); n > 0 {
					x.say(leak, "%v", evil.all())
				}
			},
		},
		{
			// A private address can be meant (a gateway of one's own); what must not
			// happen by accident is a secret in the clear, or no network at all.
			id: "A53", name: "provider_address", title: "base_url of http://, file://, with a user, to the cloud's metadata", none: "its address is fixed in its code", ours: []string{announced},
			run: func(x *trial) {
				for _, address := range []string{"http://192.0.2.1/idpay", "file:///etc/passwd", "http://169.254.169.254/", "https://user:pass@api.example/", "gopher://127.0.0.1/", "//api.example"} {
					x.invalid("base_url "+address, "\t\tprovider idpay {\n\t\t\tapi_key {env.API_KEY}\n\t\t\tbase_url "+address+"\n\t\t}\n", "")
				}
			},
		},
		{
			id: "A54", name: "provider_certificate", title: "a self-signed certificate, or another host's", none: "curl refuses them too; a plugin that switches that off is not rebuilt here",
			ours: []string{silent}, secure: true,
			run: func(x *trial) {
				b := x.customer()
				order := x.order(50_000)
				id := x.begin(b, order)
				x.act(id, "pay")
				x.unsettled = true
				p := x.send(b, x.forged(id, order))
				x.ours(p.Status == http.StatusAccepted, "%d", p.Status)
				x.waitState(id, order, "unknown") // it may be asked again at this moment
				x.ours(x.credited(order) == 0 && len(x.tls.all()) == 0, "%v", x.tls.all())
			},
		},
		{
			id: "A55", name: "proxy_header", title: "Proxy: header, which becomes HTTP_PROXY (httpoxy)", plugins: []string{tolerant, strict},
			run: func(x *trial) {
				evil := listen(x.T, false)
				b := x.customer()
				_, order, ret := x.paid(b, 50_000)
				x.send(b, ret, "Proxy", evil.URL)
				x.come(b, ret)
				x.ours(x.credited(order) == 1, "%+v", x.credits())
				for _, s := range x.runs() {
					x.ours(s.text("HTTP_PROXY") == "", "HTTP_PROXY is %s", s.text("HTTP_PROXY"))
				}
				if len(evil.all()) > 0 {
					x.say(leak, "%v", evil.all())
				}
			},
		},
		{
			// There is no outbox of web hooks: what we send by ourselves is the
			// report to the affiliate network.
			id: "A67", name: "network_misbehaves", title: "the affiliate network redirects, answers a megabyte, is slow", none: reportsNothing, block: "track /product/*", ours: []string{announced},
			run: func(x *trial) {
				evil := listen(x.T, false)
				for _, f := range []sandbox.Fault{{Kind: "redirect", Location: evil.URL}, {Kind: "big"}, {Kind: "delay", MS: 1500}, {Kind: "status", Status: 500}} {
					track := x.track(strings.ToLower(f.Kind))
					f.Provider, f.Operation, f.Payment, f.Count = "hamekar", "conversion", track, 1
					if _, err := x.network().SetFault(f); err != nil {
						x.Fatal(err)
					}
					x.sell(track)
					x.waitReport(track)
				}
				x.ours(len(evil.all()) == 0, "%v", evil.all())
			},
		},
	}
}
