package app

import (
	"net/url"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/internal/loopback"
)

// sayWhere tells whoever tries the module out where to look, once everything is
// configured. Only then: a provider that is asked on this machine is a make-believe
// one, and a shop whose providers are real has no use for the line.
func (a *App) sayWhere() {
	var at []string
	for _, p := range a.providers {
		relocated, ok := p.Provider.(interface{ Elsewhere() string })
		if !ok || relocated.Elsewhere() == "" {
			continue
		}
		if u, err := url.Parse(relocated.Elsewhere()); err == nil && loopback.Is(u.Hostname()) && !slices.Contains(at, u.Scheme+"://"+u.Host) {
			at = append(at, u.Scheme+"://"+u.Host)
		}
	}
	origins, _ := a.sites.Origins()
	if len(at) == 0 || len(origins) == 0 {
		return
	}
	slices.Sort(at)
	slices.Sort(origins)
	a.log.Info("this is a trial, no money moves: open "+strings.Join(origins, " or ")+" in a browser; the providers are played at "+strings.Join(at, " and "),
		zap.Strings("shops", origins), zap.Strings("sandboxes", at))
}
