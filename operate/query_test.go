package operate

import (
	"net/url"
	"strings"
	"testing"
)

// A parameter that a route doesn't have is refused, and one that is said twice.
func TestKnownQuery(t *testing.T) {
	for query, want := range map[string]string{
		"state=all&search=x&lang=fa": "", "sites=x": `did you mean site`, "state=a&state=b": "2 times", "zzzzzzzz=1": "there are search",
		"cursor=x": "", "dry_run=1": "",
	} {
		q, _ := url.ParseQuery(query)
		err := KnownQuery("list", q)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", query, err, want)
		}
	}
	if KnownQuery("stats", url.Values{"cursor": {"x"}}) == nil {
		t.Error("stats has no pages")
	}
}
