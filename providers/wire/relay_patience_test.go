package wire

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/payment"
)

// A shop's own call may take longer than ours, unless the owner has written how long.
func TestForwardIsPatient(t *testing.T) {
	t.Parallel()
	for written, want := range map[time.Duration]time.Duration{0: payment.RelayPatience, time.Millisecond: time.Millisecond, 8 * time.Second: 8 * time.Second, time.Minute: time.Minute} {
		c := &Config{Timeout: caddy.Duration(written)}
		client, err := c.Client()
		if err != nil || c.RelayTimeout() != want || client.patience != want {
			t.Errorf("timeout %s: %s, %v", written, c.RelayTimeout(), err)
		}
	}
	answers := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		<-answers
		_, _ = w.Write([]byte("said"))
	}))
	defer srv.Close()
	base, err := ParseBase("base_url", srv.URL, true)
	if err != nil {
		t.Fatal(err)
	}
	client := NewClient(50*time.Millisecond, nil)
	call := payment.RelayCall{Method: http.MethodPost, Path: "/verify", Body: []byte("{}")}
	if r := client.Forward(t.Context(), base, call); r.Err == nil || r.Unsent {
		t.Errorf("it is cut where nothing else is said: %+v", r)
	}
	client.patience = time.Minute
	time.AfterFunc(200*time.Millisecond, func() { close(answers) })
	if r := client.Forward(t.Context(), base, call); r.Err != nil || string(r.Body) != "said" {
		t.Errorf("%+v", r)
	}
}
