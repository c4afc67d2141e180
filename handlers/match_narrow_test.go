package handlers

import (
	"encoding/json"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// A verify route that takes ordinary pages is refused, however it is written.
func TestNarrow(t *testing.T) {
	set := func(pairs ...string) Match {
		m := make(caddy.ModuleMap)
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = json.RawMessage(pairs[i+1])
		}
		return Match{MatchRaw: []caddy.ModuleMap{m}}
	}
	for name, c := range map[string]struct {
		m    Match
		wide bool
	}{
		"a path":              {Match{Paths: []string{"/cb"}}, false},
		"a folder":            {Match{Paths: []string{"/cb/*"}}, false},
		"the home page":       {Match{Paths: []string{"/"}}, true},
		"the home page twice": {Match{Paths: []string{"/cb", "//"}}, true},
		"all":                 {Match{Paths: []string{"/*"}}, true},
		"all, by star":        {Match{Paths: []string{"*"}}, true},
		"by query":            {set("query", `{"wc-api":["*"]}`), false},
		"by query at home":    {set("query", `{"wc-api":["*"]}`, "path", `["/"]`), false},
		"by expression":       {set("expression", `"true"`), false},
		"by path":             {set("path", `["/cb"]`, "host", `["a.test"]`), false},
		"any path":            {set("path", `["/cb","/*"]`), true},
		"any path, posted":    {set("path", `["*"]`, "method", `["POST"]`), true},
		"the host":            {set("host", `["a.test"]`), true},
		"all but":             {set("not", `[{"path":["/admin"]}]`), true},
		"the bank's address":  {set("client_ip", `{"ranges":["192.0.2.0/24"]}`), true},
	} {
		if err := c.m.Narrow(); (err != nil) != c.wide {
			t.Errorf("%s: %v", name, err)
		}
	}
}
