package relay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// tellDown is how often the owner hears that calls pass unrecorded.
const tellDown = time.Minute

// pass carries a call that can't be remembered.
func (s *Server) pass(ctx context.Context, rel payment.Relayer, c engine.Relay, why error, made *payment.RelayReply) {
	unmarked := engine.PassThrough(ctx, rel, s.App.Forwarded(), c, made)
	if name := engine.ForwardEvent(unmarked); name != engine.EventRelayDown {
		s.App.Observe(engine.Event{Name: name, Provider: c.Provider, Site: c.Site, ID: c.Ask.ID, Order: c.Ask.Order, Alert: true, Err: unmarked})
		return
	}
	now := time.Now().UnixNano()
	last := s.toldDown.Load()
	if unmarked == nil && now-last < int64(tellDown) || !s.toldDown.CompareAndSwap(last, now) {
		return
	}
	s.App.Observe(engine.Event{
		Name: engine.EventRelayDown, Provider: c.Provider, Site: c.Site, ID: c.Ask.ID, Order: c.Ask.Order, Alert: true,
		Err: errors.Join(fmt.Errorf("the shop's calls go straight through, because they can't be recorded: %w", why), unmarked),
	})
}
