package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// Values of [Refused].Mode.
const (
	refusedRedirect = "redirect"
	refusedStatus   = "status"
	refusedHeader   = "header"
	refusedPreset   = "preset"
)

// Check returns what is wrong with a pattern. It is called when the Caddyfile is adapted and
// when the configuration is provisioned.
func (r Refused) Check() error {
	if len(r.Patterns) == 0 {
		return errors.New("a pattern is missing")
	}
	for _, p := range r.Patterns {
		switch r.Mode {
		case refusedRedirect:
			if strings.Trim(p, "*") == "" {
				return fmt.Errorf("redirect %q would take every redirect, whatever the shop says by it", p)
			}
		case refusedStatus:
			if len(p) != 3 || p[0] < '2' || p[0] > '5' || p[1:] != "xx" && !digits(p) {
				return fmt.Errorf("status must be one such as 409, or a class such as 4xx%s", quote.Not(p))
			}
		case refusedHeader:
			name, value, ok := strings.Cut(p, ":")
			if !ok || name == "" || strings.Trim(value, "* ") == "" {
				return fmt.Errorf("header must be <name>:<pattern>, such as X-Order-State:failed*")
			}
		case refusedPreset:
			if _, ok := refusedPresets[p]; !ok {
				return fmt.Errorf("preset must be one of those that there are%s: %s", quote.Not(p, RefusedPresets()...), block.Suggest(p, RefusedPresets()))
			}
		default:
			return errors.New("must be one of redirect, status, header, preset")
		}
	}
	return nil
}

func digits(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// fits reports whether an answer is such a refusal.
func (r Refused) fits(status int, header http.Header) bool {
	for _, p := range r.Patterns {
		switch r.Mode {
		case refusedRedirect:
			if status >= 300 && status < 400 && glob(p, header.Get("Location")) {
				return true
			}
		case refusedStatus:
			if code := strconv.Itoa(status); p == code || p[1:] == "xx" && p[0] == code[0] {
				return true
			}
		case refusedHeader:
			name, value, _ := strings.Cut(p, ":")
			if slices.ContainsFunc(header.Values(name), func(got string) bool { return glob(strings.TrimSpace(value), got) }) {
				return true
			}
		case refusedPreset:
			if slices.ContainsFunc(refusedPresets[p], func(r Refused) bool { return r.fits(status, header) }) {
				return true
			}
		}
	}
	return false
}
