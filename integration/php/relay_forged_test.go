package php_test

import (
	"cmp"
	"strings"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// forge brings the paid return of payment a, of order 106, as one of order 107, whose
// payment b is not paid: in every form in which some reader finds a and 107.
func (w *world) forge(paid, a, b string) {
	w.t.Helper()
	w.behave(map[string]any{"request": true})
	defer w.behave(nil)
	other := strings.NewReplacer("order=106", "order=107", "key=k106", "key=k107").Replace(paid)
	bare := strings.NewReplacer("&Authority="+a, "", "&Status=OK", "").Replace(other)
	plugin, query, _ := strings.Cut(other, "?")
	for name, c := range map[string]struct {
		url, method, kind, body, cookie string
		refused                         bool // PHP itself would not read it; others do
	}{
		"below the script":       {url: plugin + "/x?" + query},
		"below it, a slash":      {url: plugin + "/?" + query},
		"two slashes":            {url: strings.Replace(plugin, "/plugin", "//plugin", 1) + "?" + query},
		"escaped":                {url: strings.Replace(plugin, "/plugin", "/%70lugin", 1) + "?" + query},
		"another script":         {url: strings.Replace(plugin, "/plugin.php", "/see.php", 1) + "?" + query},
		"its own id first":       {url: bare + "&Authority=" + b + "&Status=OK&Authority=" + a},
		"its own id last":        {url: other + "&Authority=" + b},
		"rubbish first":          {url: bare + "&Authority=x&Status=OK&Authority=" + a},
		"rubbish in plenty":      {url: bare + strings.Repeat("&Authority=x", 3) + "&Authority=y1&Authority=y2&Authority=y3&Authority=y4&Authority=y5&Authority=y6&Authority=y7&Status=OK&Authority=" + a},
		"a space before":         {url: bare + "&Authority=" + b + "&Status=OK&%20Authority=" + a},
		"its own id, and a form": {url: bare + "&Authority=" + b + "&Status=OK", kind: "application/x-www-form-urlencoded", body: "Authority=" + a + "&Status=OK"},
		"a form":                 {url: bare, kind: "application/x-www-form-urlencoded", body: "Authority=" + a + "&Status=OK"},
		"a form of parts":        {url: bare, kind: "multipart/form-data; boundary=B", body: "--B\r\nContent-Disposition: form-data; name=\"Authority\"\r\n\r\n" + a + "\r\n--B\r\nContent-Disposition: form-data; name=\"Status\"\r\n\r\nOK\r\n--B--\r\n"},
		"a large form of parts":  {url: bare, kind: "multipart/form-data; boundary=B", body: "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n" + strings.Repeat("x", 70_000) + "\r\n--B\r\nContent-Disposition: form-data; name=\"Authority\"\r\n\r\n" + a + "\r\n--B\r\nContent-Disposition: form-data; name=\"Status\"\r\n\r\nOK\r\n--B--\r\n"},
		"JSON":                   {url: bare, kind: "application/json", body: `{"Authority":"` + a + `","Status":"OK"}`, refused: true},
		"JSON and its own id":    {url: bare + "&Authority=" + b + "&Status=OK", kind: "application/json", body: `{"Authority":"` + a + `"}`, refused: true},
		"JSON elsewhere":         {url: strings.Replace(bare, "/plugin.php", "/index.php", 1), kind: "application/json", body: `{"Authority":"` + a + `","Status":"OK"}`, refused: true},
		"by PUT":                 {url: bare, method: "PUT", kind: "application/x-www-form-urlencoded", body: "Authority=" + a + "&Status=OK", refused: true},
		"a form without an end":  {url: bare, kind: "application/x-www-form-urlencoded", body: strings.Repeat("x=1&", 20_000) + "Authority=" + a + "&Status=OK"},
		"a blank behind the id":  {url: bare + "&Authority=" + a + "%20&Status=OK", refused: true},
		"cookies":                {url: bare, cookie: "Authority=" + a + "; Status=OK"},
		"cookies and its own id": {url: bare + "&Authority=" + b + "&Status=OK", cookie: "Authority=" + a},
		"the other order behind": {url: paid + "&order=107&key=k107"},
		"the order, a space":     {url: paid + "&%20order=107&%20key=k107"},
		"the order in a form":    {url: paid, kind: "application/x-www-form-urlencoded", body: "order=107&key=k107"},
		"the order in cookies":   {url: strings.NewReplacer("order=106&", "", "key=k106&", "").Replace(paid), cookie: "order=107; key=k107"},
	} {
		method := cmp.Or(c.method, "GET")
		if c.kind != "" {
			method = cmp.Or(c.method, "POST")
		}
		header := []string{"Content-Type", c.kind}
		if c.cookie != "" {
			header = append(header, "Cookie", c.cookie)
		}
		p, err := harness.NewBrowser(w.t).Try(method, c.url, c.body, header...)
		if err != nil || strings.Contains(p.Header.Get("Location"), "order-received") {
			w.t.Errorf("%s: %d, to %s %v", name, p.Status, p.Header.Get("Location"), err)
		}
		if (c.refused || strings.Contains(c.url, "/see.php")) && p.Status != 400 {
			w.t.Errorf("%s: %d", name, p.Status)
		}
		if got := w.truth(a).State; got != sandbox.StatePaid { // nobody has asked
			w.t.Fatalf("%s: the shop has verified it: %s", name, got)
		}
	}
}
