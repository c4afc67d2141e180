package handlers

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// Narrow refuses what takes the site's ordinary pages for returns from the bank: a
// customer who opens one of them would get a page about a payment in its place.
//
// Its invariant: what a verify or observe route takes is told from all other requests by a path
// other than the home page's, or by something else that the return has and a page's
// address has not.
func (m *Match) Narrow() error {
	const instead = "write the path that the bank sends customers back to, such as /callback, or, where the shop tells its return by the query, a matcher of that: `@return query wc-api=*`"
	for _, p := range m.Paths {
		switch wide := strings.TrimRight(p, "*"); {
		case strings.Trim(wide, "/") == "" && wide != p:
			return fmt.Errorf("%s takes every page of the site: %s", p, instead)
		case strings.Trim(wide, "/") == "":
			return fmt.Errorf("%s takes the home page, which customers open with a payment under way: %s", p, instead)
		}
	}
	if slices.ContainsFunc(m.MatchRaw, wide) {
		return fmt.Errorf("its matcher takes every page of the site: %s", instead)
	}
	return nil
}

// broad are the matchers that say nothing about which page is asked for.
var broad = []string{"host", "protocol", "method", "not", "remote_ip", "client_ip", "tls", "path"}

// wide reports whether a matcher set takes pages whatever their address: all that it
// asks for is true of any, such as the host.
func wide(set caddy.ModuleMap) bool {
	for name, raw := range set {
		if !slices.Contains(broad, name) {
			return false
		}
		if name != "path" {
			continue
		}
		var patterns []string
		if json.Unmarshal(raw, &patterns) != nil || !slices.ContainsFunc(patterns, func(p string) bool { return strings.Trim(p, "/*") == "" && strings.HasSuffix(p, "*") }) {
			return false
		}
	}
	return len(set) > 0
}
