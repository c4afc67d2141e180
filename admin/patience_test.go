package admin

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/operate/operatetest"
	"github.com/rahgir/caddy-payments/payment"
)

// asking are all commands that ask a running Caddy.
func asking(t *testing.T) [][]string {
	t.Helper()
	ref := string(payment.NewRef("x", "x", "x", "x"))
	ids := filepath.Join(t.TempDir(), "ids")
	writeFile(t, ids, "1\n2\n")
	return [][]string{
		{"status", "--ready"}, {"status"}, {"list"}, {"show", ref}, {"stats"}, {"doctor"}, {"webhooks"},
		{"verify", ref}, {"resend", ref, "--note", "x"}, {"resolve", ref, "accept", "--note", "x"},
		{"refund", ref, "--note", "x"}, {"reverse", ref, "--note", "x"}, {"webhooks", "--again", ref}, {"erase", ref, "--note", "x"},
		{"import-ids", "idpay", ids}, {"reconcile", "idpay", "--from", "30d"}, {"export"}, {"backup", filepath.Join(t.TempDir(), "backup")},
	}
}

// A Caddy that takes connections and answers nobody, as a stopped process does, ends every
// command with an error that says so.
func TestNoCommandWaitsForACaddyThatStandsStill(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{
		"nothing":             "",
		"half of the headers": "HTTP/1.1 200 OK\r\nContent-Ty",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				t.Cleanup(func() { _ = conn.Close() })
				go func() {
					_, _ = conn.Read(make([]byte, 1))
					_, _ = io.WriteString(conn, first)
				}()
			}
		}()
		for _, args := range asking(t) {
			t.Run(name+"/"+strings.Join(args[:1], " "), func(t *testing.T) {
				t.Parallel()
				ended := make(chan ran, 1)
				go func() { ended <- runWithin(t, 50*time.Millisecond, l.Addr().String(), true, "", args...) }()
				select {
				case r := <-ended:
					r.has(t, exitFailed, "the Caddy at "+l.Addr().String()+" does not answer", "state T in ps")
				case <-time.After(30 * time.Second):
					t.Errorf("%v waits", args)
				}
			})
		}
	}
}

// slowly serves a ledger behind a Caddy that takes so long for each answer, or for its second
// half, and answers knocks meanwhile or not.
func slowly(t *testing.T, late time.Duration, half, knocks bool) (addr string, knocked *atomic.Int32) {
	t.Helper()
	to := endpoint(t, operatetest.New(t), nil).Config.Handler
	knocked = new(atomic.Int32)
	over := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		to.ServeHTTP(rec, r)
		switch {
		case r.URL.Path == prefix+"openapi.json" && knocks:
			knocked.Add(1)
		case half:
			w.Header().Set("Content-Type", rec.Header().Get("Content-Type"))
			_, _ = w.Write(rec.Body.Next(1))
			_ = http.NewResponseController(w).Flush()
			fallthrough
		default:
			select {
			case <-time.After(late):
			case <-over:
			}
		}
		_, _ = w.Write(rec.Body.Bytes())
	}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(over) })
	return strings.TrimPrefix(srv.URL, "http://"), knocked
}

// A question that the ledger answers at once is waited for until the bound, to the end of its
// answer; what may take its time, as long as Caddy answers others meanwhile.
func TestHowLongACommandWaits(t *testing.T) {
	t.Parallel()
	const bound = 2 * time.Second
	for _, c := range []struct {
		what         string
		args         []string
		late         time.Duration
		half, knocks bool
		status       int
	}{
		{"below the bound", []string{"status", "--ready"}, bound / 20, false, false, 0},
		{"above", []string{"status", "--ready"}, 2 * bound, false, true, exitFailed},
		{"far above", []string{"list"}, 20 * bound, false, true, exitFailed},
		{"the second half below", []string{"list"}, bound / 20, true, false, 0},
		{"the second half above", []string{"list"}, 2 * bound, true, true, exitFailed},
		{"long work, below", []string{"stats"}, bound / 20, false, false, 0},
		{"long work of a Caddy that lives", []string{"stats"}, 2 * bound, false, true, 0},
		{"long work of one that stands still", []string{"stats"}, 20 * bound, false, false, exitFailed},
		{"its second half", []string{"export", "--json"}, 2 * bound, true, false, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			addr, knocked := slowly(t, c.late, c.half, c.knocks)
			r := runWithin(t, bound, addr, true, "", c.args...)
			if c.status != 0 {
				r.has(t, c.status, "does not answer")
			} else {
				r.has(t, 0)
			}
			if want := c.args[0] == "stats" && c.knocks; (knocked.Load() > 0) != want {
				t.Errorf("%d knocks", knocked.Load())
			}
		})
	}
}

// With --config the first question is which ledger that Caddy keeps; it is no longer waited for,
// and no second question follows.
func TestACaddyOfAConfigThatStandsStill(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	file := filepath.Join(t.TempDir(), "caddy.json")
	writeFile(t, file, `{"admin":{"listen":"`+l.Addr().String()+`"},"apps":{"payments":{}}}`)
	begun := time.Now()
	runWithin(t, time.Second, "", true, "", "status", "--ready", "--config", file).has(t, exitFailed, "does not answer")
	if took := time.Since(begun); took < time.Second {
		t.Errorf("it waited only %s", took)
	}
}

// writeFile writes a file of a test's.
func writeFile(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
