package sandbox

import (
	"errors"
	"fmt"
	"time"
)

// ErrNotFound is returned for a payment or fault that does not exist.
var ErrNotFound = errors.New("not found")

// Acted is the outcome of an action on a payment.
type Acted struct {
	Action  string  `json:"action"`
	Payment Payment `json:"payment"`
	// Return is what the payer's browser would now send to the merchant; nil
	// if it never returns.
	Return *Return `json:"return"`
}

// Act does to a payment what a button of the bank page does.
func (s *Server) Act(id, action string) (Acted, error) {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	p := s.st.findAny(id)
	if p == nil {
		return Acted{}, fmt.Errorf("payment %q: %w", id, ErrNotFound)
	}
	ret, err := s.actLocked(p, action)
	if err != nil {
		return Acted{}, err
	}
	return Acted{Action: action, Payment: p.view(), Return: ret}, nil
}

func (s *Server) actLocked(p *payment, action string) (*Return, error) {
	now := s.st.clock()
	p.checkWindow(now, s.window(p.provider))
	returns, err := p.act(action, now)
	if err != nil || !returns {
		return nil, err
	}
	p.returns++
	return s.buildReturn(p), nil
}

// SetFault arms a fault and returns it with its id and defaults.
func (s *Server) SetFault(f Fault) (Fault, error) {
	if err := f.validate(); err != nil {
		return Fault{}, err
	}
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	return s.st.addFault(f), nil
}

// Faults lists the faults that are armed.
func (s *Server) Faults() []Fault {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	out := make([]Fault, 0, len(s.st.faults))
	for _, f := range s.st.faults {
		out = append(out, *f)
	}
	return out
}

// ClearFaults drops all faults and lets waiting answers go.
func (s *Server) ClearFaults() int {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	return s.st.clearFaults("")
}

// ClearFault drops one fault.
func (s *Server) ClearFault(id string) error {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	if id == "" || s.st.clearFaults(id) == 0 {
		return fmt.Errorf("fault %q: %w", id, ErrNotFound)
	}
	return nil
}

// Advance moves the sandbox's clock and returns its time.
func (s *Server) Advance(d time.Duration) time.Time {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	s.st.offset += d
	return s.st.clock()
}

// Settings returns what was set per provider.
func (s *Server) Settings() map[string]Settings {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	out := make(map[string]Settings, len(s.st.settings))
	for k, v := range s.st.settings {
		out[k] = v.clone()
	}
	return out
}

// SetSettings replaces the settings of one provider.
func (s *Server) SetSettings(provider string, c Settings) error {
	if err := c.validate(provider); err != nil {
		return fmt.Errorf("provider %q: %w", provider, err)
	}
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	s.st.settings[provider] = c.clone()
	return nil
}

// SetPaymentSettings replaces the settings of one payment, of which only
// Return and Join mean something.
func (s *Server) SetPaymentSettings(id string, c Settings) error {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	p := s.st.findAny(id)
	if p == nil {
		return fmt.Errorf("payment %q: %w", id, ErrNotFound)
	}
	if err := c.validate(p.provider); err != nil {
		return err
	}
	p.settings = c.clone()
	return nil
}

// Reset forgets payments, conversions, counts, faults, settings and the moved
// clock.
func (s *Server) Reset() {
	s.st.mu.Lock()
	defer s.st.mu.Unlock()
	s.st.clear()
}
