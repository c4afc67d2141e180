package begin

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func post(t *testing.T, address, body string, header ...string) (status int, text string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b)
}

// Every base_url that is printed is a gateway's, and the faults that were asked for
// are on.
func TestSandbox(t *testing.T) {
	s := newUser(t).start("Ctrl+C", nil, "payments", "sandbox", "--port", "0", "--with-faults", "down")
	base := s.address("/idpay")
	if status, text := post(t, base+"/v1.1/payment", "{}"); status != http.StatusServiceUnavailable {
		t.Errorf("with the gateway down: %d %s", status, text)
	}
	control := strings.TrimSuffix(base, "idpay") + "_control/"
	if status, text := post(t, control+"faults/clear", ""); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	status, text := post(t, base+"/v1.1/payment", `{"order_id":"1","amount":10000,"callback":"http://localhost/back"}`,
		"Content-Type", "application/json", "X-API-KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	if status != http.StatusCreated || !strings.Contains(text, base+"/p/ws/") {
		t.Errorf("a payment: %d %s", status, text)
	}
	for _, name := range []string{"sama", "24pal", "invoice"} {
		if status, text := post(t, s.address("/"+name)+"/nothing", ""); status == http.StatusOK {
			t.Errorf("%s: %s", name, text)
		}
	}
	if out, status := s.run("payments", "sandbox", "--port", portOf(t, base)); status != 1 || !strings.Contains(out, "is taken") {
		t.Errorf("two on one port: status %d\n%s", status, out)
	}
	s.end(2)
	if said := s.said(); !strings.Contains(said, "201        POST /idpay/v1.1/payment") {
		t.Errorf("calls are not noted:\n%s", said)
	}
}

func portOf(t *testing.T, address string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(strings.Split(address, "/")[2])
	if err != nil {
		t.Fatal(err)
	}
	return port
}

func TestSandboxRefuses(t *testing.T) {
	u := newUser(t)
	for _, c := range [][]string{{"--with-faults", "nonsense", "times-out-once"}, {"--return", "sideways", "get, post or bare"}, {"--port", "x", "invalid argument"}} {
		if out, status := u.run("payments", "sandbox", c[0], c[1]); status != 2 || !strings.Contains(out, c[2]) {
			t.Errorf("%v: status %d\n%s", c, status, out)
		}
	}
}
