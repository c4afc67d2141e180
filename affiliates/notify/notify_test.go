package notify

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/affiliates/message"
	"github.com/rahgir/caddy-payments/internal/lang"
)

func parse(text string) (*Notifier, error) {
	n := new(Notifier)
	d := caddyfile.NewTestDispenser(text)
	d.Next()
	d.NextArg()
	return n, n.UnmarshalCaddyfile(d)
}

// A bad hour is one message at once and one after `every`, each with all that happened
// since; a message that was not taken is not lost.
func TestCollected(t *testing.T) {
	n, err := parse("notify sms {\nreport POST https://sms.example/send\nbody form text={text}\nevery 10m\n}")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		n.name, n.box = "sms", newBox()
		type sent struct {
			at    time.Duration
			count int
		}
		var mu sync.Mutex // guards what follows
		var got []sent
		start, fail := time.Now(), 0
		n.deliver = func(_ context.Context, lines []line, more int) error {
			mu.Lock()
			defer mu.Unlock()
			if fail > 0 {
				fail--
				return fmt.Errorf("down")
			}
			c := more
			for _, l := range lines {
				c += l.count
			}
			got = append(got, sent{time.Since(start), c})
			return nil
		}
		ctx, stop := context.WithCancel(t.Context())
		troubles := 0
		go n.Run(ctx, func(error) { troubles++ })
		for i := range 100 {
			n.Note(Event{Kind: "review", Provider: "idpay", Order: fmt.Sprint(i)})
		}
		time.Sleep(time.Minute)
		for range 50 {
			n.Note(Event{Kind: "parked", Provider: "idpay"})
		}
		time.Sleep(time.Hour)
		mu.Lock()
		fail = 3
		mu.Unlock()
		n.Note(Event{Kind: "disk_low"})
		time.Sleep(time.Minute)
		n.Note(Event{Kind: "disk_low"})
		time.Sleep(time.Hour)
		stop()
		synctest.Wait()
		if len(got) != 3 || got[0].at != gather || got[0].count != 100 || got[1].at != gather+10*time.Minute || got[1].count != 50 || got[2].count != 2 || troubles != 3 {
			t.Errorf("%+v, %d troubles", got, troubles)
		}
	})
}

// What is collected is bounded, and says how much it left out.
func TestBounded(t *testing.T) {
	n := &Notifier{box: newBox()}
	for i := range 10_000 {
		n.Note(Event{Kind: "other", Reason: fmt.Sprint(i), Order: strings.Repeat("x", 10)})
	}
	b, _ := n.box.take()
	lines, more := b.lines, b.more
	if len(lines) != mostLines || more != 10_000-mostLines {
		t.Errorf("%d lines, %d more", len(lines), more)
	}
	text := text(lines, more, lang.FA)
	if strings.Count(text, "\n") != mostLines || !strings.Contains(text, "۹۹۸۸") {
		t.Errorf("%s", text)
	}
}

func TestOnlyWhatIsAsked(t *testing.T) {
	n := &Notifier{On: []string{"parked"}, box: newBox()}
	n.Note(Event{Kind: "review"})
	n.Note(Event{Kind: "what is this"})
	n.Note(Event{Kind: "parked", Order: "1\n2 × refund me"})
	b, _ := n.box.take()
	lines := b.lines
	if len(lines) != 1 || strings.Contains(text(lines, 0, ""), "\n") {
		t.Errorf("%+v: %q", lines, text(lines, 0, ""))
	}
	for _, k := range Kinds() {
		if titles[k][0] == "" || titles[k][1] == "" {
			t.Errorf("%s has no title", k)
		}
	}
	if len(titles) != len(Kinds()) {
		t.Error("a kind is not listed")
	}
}

// What goes over the wire, and what an answer means.
func TestSent(t *testing.T) {
	var mu sync.Mutex
	var body, auth string
	status := 200
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		body, auth = string(b), r.Header.Get("Authorization")
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	defer s.Close()
	t.Setenv("TEST_SMS_KEY", "canary&key")
	n := &Notifier{Request: message.Request{Method: "POST", URL: s.URL + "/send", Kind: "form", Body: "text={text}&n={count}&key={env.TEST_SMS_KEY}", Header: map[string]string{"Authorization": "Bearer {env.TEST_SMS_KEY}"}}}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	if err := n.Provision(ctx, "sms"); err != nil {
		t.Fatal(err)
	}
	for code, good := range map[int]bool{200: true, 202: true, 302: false, 410: false, 429: false, 500: false} {
		status = code
		err := n.send(t.Context(), []line{{Event: Event{Kind: "review", Provider: "idpay", Reason: "amount_differs"}, count: 5, orders: []string{"1&x=y", "2", "3"}}}, 0)
		if (err == nil) != good {
			t.Errorf("%d: %v", code, err)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
	q, err := url.ParseQuery(body)
	if err != nil || q.Get("text") != "5 × payments need a person · idpay · amount_differs · 1&x=y, 2, 3 …" || q.Get("n") != "5" || q.Get("key") != "canary&key" || auth != "Bearer canary&key" {
		t.Errorf("%q, %v, %s", q, err, auth)
	}
}

func TestBad(t *testing.T) {
	for text, want := range map[string]string{
		"notify sms {\n}": "report is missing",
		"notify sms {\non review parkd\nreport GET https://a.example/?t={text}\n}": "did you mean parked?",
		"notify sms {\non coffee\nreport GET https://a.example/?t={text}\n}":       "operator_fault",
		"notify sms {\nreport GET https://a.example/?t={text}\nevery 0s\n}":        "every",
		"notify sms {\nreport GET https://a.example/?t={text}\nlang de\n}":         "lang must be",
		"notify sms {\nreport GET https://a.example/?t={text}\nevry 1m\n}":         "'every'",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	n, err := parse("notify sms {\nreport GET https://a.example/?t={txt}\n}")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	if err := n.Provision(ctx, "sms"); err == nil || !strings.Contains(err.Error(), "did you mean {text}?") {
		t.Errorf("%v", err)
	}
}
