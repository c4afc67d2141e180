package engine

import (
	"errors"
	"sync/atomic"

	"github.com/rahgir/caddy-payments/payment"
)

// relayed is the result of asking the provider with a shop's call.
type relayed struct {
	rec *payment.Record
	// reply is the provider's answer as it came, and outcome what it means. reply.Status
	// is 0 if somebody else asked.
	reply   payment.RelayReply
	outcome payment.Outcome
	// given is set where the ledger could not record that the provider has settled the
	// payment. Whoever of those who asked at the same time sets it first may pass the
	// answer on by [Relay.Down]; the others must not.
	given *atomic.Bool
}

// unrecorded is the provider's answer that the ledger couldn't record, for one caller only.
func (r relayed) unrecorded() *payment.RelayReply {
	if r.given == nil || r.reply.Status == 0 || r.reply.Err != nil || !r.given.CompareAndSwap(false, true) {
		return nil
	}
	return &r.reply
}

var errUnrecorded = errors.New("the ledger can't record what the provider answered")
