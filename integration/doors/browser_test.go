package doors

import (
	"bufio"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// browser keeps cookies. The honest customer has one, the attacker the others.
type browser struct {
	number int
	jar    *cookiejar.Jar
	from   string
	front  bool // see front_test.go
}

func newBrowser(n int) *browser {
	jar, _ := cookiejar.New(nil)
	return &browser{number: n, jar: jar, from: fmt.Sprintf("203.0.113.%d:%d", 10+n, 40000+n)}
}

// honest: browser 0 is a customer, the others are one attacker's.
func (b *browser) honest() bool { return b.number == 0 }

// person is whose purchases open something in this browser.
func (b *browser) person() int { return min(b.number, 1) }

// request is one HTTP request as it goes over the wire.
type request struct {
	browser *browser
	Method  string
	Port    string
	Host    string // the Host header as it is sent
	Target  string // the request target as it is sent
	Header  [][2]string
	Body    string
	Kind    string // the body's type; empty is a form's
	NoJar   bool   // a cross-site POST: no cookies go along
	Name    string // the host whose cookies are meant
	Doing   string // for people
}

// answer is what came back.
type answer struct {
	Status int
	Header http.Header
	Body   string
	Infos  []int
}

// patience is how long an answer may take.
var patience atomic.Int64

func init() { patience.Store(int64(20 * time.Second)) }

func hangs() time.Duration { return time.Duration(patience.Load()) }

var errHang = errors.New("no answer")

// host is the host that a server goes by: that of the target, if it names one.
func (q *request) host() string {
	if rest, absolute := strings.CutPrefix(q.Target, "http://"); absolute {
		host, _, _ := strings.Cut(rest, "/")
		return host
	}
	return q.Host
}

func (q *request) url() *url.URL {
	u := &url.URL{Scheme: q.browser.scheme(), Host: q.Name, Path: "/"}
	if p, _, _ := strings.Cut(q.Target, "?"); strings.HasPrefix(p, "/") {
		u.Path = p // cookies of a shop below a path go there only
	}
	if q.Port != "80" {
		u.Host += ":" + q.Port
	}
	return u
}

// send sends it and reads the answer; keep is whether its cookies are kept.
func (q *request) send() (*answer, error) {
	conn, err := dial(q.Port, q.browser.peer())
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(hangs()))
	raw := q.raw()
	go func() { _, _ = io.WriteString(conn, raw) }()
	in := bufio.NewReader(conn)
	a := new(answer)
	for {
		res, err := http.ReadResponse(in, &http.Request{Method: q.Method})
		if err != nil {
			if isTimeout(err) {
				return nil, errHang
			}
			return nil, err
		}
		if res.StatusCode < 200 && res.StatusCode != http.StatusSwitchingProtocols {
			a.Infos = append(a.Infos, res.StatusCode)
			continue
		}
		body, err := io.ReadAll(res.Body)
		if err != nil && isTimeout(err) {
			return nil, errHang
		}
		a.Status, a.Header, a.Body = res.StatusCode, res.Header, unpacked(res.Header, body)
		break
	}
	q.browser.jar.SetCookies(q.url(), (&http.Response{Header: a.Header}).Cookies())
	return a, nil
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	return ok && t.Timeout()
}

// all are its header lines, cookies included.
func (q *request) all() [][2]string {
	h := append([][2]string{{"User-Agent", "Mozilla/5.0 (test)"}, {"Accept", "text/html,*/*;q=0.8"}, {"Accept-Language", "en"}}, q.Header...)
	if !q.NoJar {
		var cs []string
		for _, c := range q.browser.jar.Cookies(q.url()) {
			cs = append(cs, c.Name+"="+c.Value)
		}
		if len(cs) > 0 {
			h = append(h, [2]string{"Cookie", strings.Join(cs, "; ")})
		}
	}
	if q.Body != "" || q.Method == http.MethodPost {
		kind := "application/x-www-form-urlencoded"
		if q.Kind != "" {
			kind = q.Kind
		}
		h = append(h, [2]string{"Content-Type", kind})
	}
	if q.browser.front {
		return q.through(h)
	}
	return h
}

func (q *request) raw() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", q.Method, q.Target, q.Host)
	for _, h := range q.all() {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if q.Body != "" || q.Method == http.MethodPost {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(q.Body))
	}
	b.WriteString("\r\n" + q.Body)
	return b.String()
}

// curl is the request as a line for a shell, against that Caddyfile.
func (q *request) curl() string {
	host, _, _ := strings.Cut(q.Host, ":")
	line := []string{"curl -gi"}
	if q.Method != http.MethodGet {
		line = append(line, "-X "+q.Method)
	}
	for _, h := range q.all() {
		switch h[0] {
		case "User-Agent", "Accept-Language":
		case "Accept":
			if h[1] != "text/html,*/*;q=0.8" {
				line = append(line, quote("-H", h[0]+": "+h[1]))
			}
		default:
			line = append(line, quote("-H", h[0]+": "+h[1]))
		}
	}
	if q.Body != "" {
		line = append(line, quote("--data-raw", q.Body))
	}
	if q.Host != q.url().Host {
		line = append(line, quote("-H", "Host: "+q.Host))
	}
	if strings.HasPrefix(q.Target, "/") && !strings.ContainsAny(q.Target, "\x00 \\") {
		line = append(line, "--path-as-is", quote("", "http://"+q.url().Host+q.Target))
	} else {
		line = append(line, quote("--request-target", q.Target), quote("", "http://"+q.url().Host))
	}
	_ = host
	return strings.Join(line, " ")
}

func quote(option, s string) string {
	q := "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	if option == "" {
		return q
	}
	return option + " " + q
}

var (
	formAction = regexp.MustCompile(`<form[^>]*action="([^"]*)"`)
	formField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// form is the page's first form, if it has one.
func (a *answer) form() (action string, fields url.Values, ok bool) {
	m := formAction.FindStringSubmatch(a.Body)
	if m == nil {
		return "", nil, false
	}
	fields = make(url.Values)
	for _, f := range formField.FindAllStringSubmatch(a.Body, -1) {
		fields.Add(html.UnescapeString(f[1]), html.UnescapeString(f[2]))
	}
	return html.UnescapeString(m[1]), fields, true
}
