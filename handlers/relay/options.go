package relay

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rahgir/caddy-payments/internal/quote"
)

// Options are those of both forms of a relay.
type Options struct {
	// The names of the providers to serve. Default: all that can be relayed.
	Providers []string `json:"providers,omitempty"`

	// Who may call: addresses, networks, or `unix` for callers on a unix socket.
	// Default: this machine and the site's own upstreams.
	Allow []string `json:"allow,omitempty"`

	// What happens to calls that can't be recorded. `refuse`: they get the provider's own
	// answer for "try again later", and the provider is not called. `forward`: they go
	// straight to the provider and are noted in a file in Caddy's data directory, which is
	// read in when the ledger can record again. Default: `refuse`.
	WhenDown string `json:"when_down,omitempty"`

	// How a verify ends if the provider does not answer. `close`: the connection ends
	// without an answer, after which plugins ask again. `504`: with that status. Default:
	// `close`.
	Unknown string `json:"unknown,omitempty"`
}

// Provision checks the options. It makes no call.
func (s *Server) Provision() error {
	for _, a := range s.Options.Allow {
		if a == "unix" {
			s.unix = true
			continue
		}
		p, err := parseNet(a)
		if err != nil {
			return fmt.Errorf("allow takes an address, a network such as 10.0.0.0/8, or unix%s", quote.Not(a, "unix"))
		}
		s.nets = append(s.nets, p)
	}
	if w := s.Options.WhenDown; w != "" && w != "refuse" && w != "forward" {
		return fmt.Errorf("when_down must be refuse or forward%s", quote.Not(w, "refuse", "forward"))
	}
	if s.Options.WhenDown == "forward" {
		s.App.Forwards()
	}
	if u := s.Options.Unknown; u != "" && u != "close" && u != "504" {
		return fmt.Errorf("unknown must be close or 504%s", quote.Not(u, "close", "504"))
	}
	for _, name := range s.Options.Providers {
		if _, ok := s.App.Relayer(name); !ok {
			return fmt.Errorf("a provider%s can't be relayed or is not configured; there are: %s", quote.Not(name, s.names()...), strings.Join(quote.Names(s.names()), ", "))
		}
	}
	if len(s.names()) == 0 {
		return errors.New("there is no provider that can be relayed")
	}
	if s.Place && len(s.Options.Providers) != 1 {
		return errors.New("in a provider's place a relay serves one provider: write its name")
	}
	if s.Own == nil { // else it serves its own site alone
		s.App.Serves(s.names())
	}
	return nil
}

// Names are the providers that this relay serves.
func (s *Server) Names() []string { return s.names() }

func (s *Server) names() []string {
	if len(s.Options.Providers) > 0 {
		return s.Options.Providers
	}
	return slices.DeleteFunc(slices.Clone(s.App.ProviderNames()), func(name string) bool {
		_, ok := s.App.Relayer(name)
		return !ok
	})
}
