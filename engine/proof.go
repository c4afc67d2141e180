package engine

import (
	"context"
	"errors"

	"github.com/rahgir/caddy-payments/payment"
)

// Some gateways' verify must be told what only the customer's return brings. Who settles such a
// payment needs it: a verify route has the return, and a shop behind the relay names it in its
// own call.

// proofless: the payment can't be verified, because nobody has told us what verify must name.
func proofless(t payment.Terms, rec *payment.Record) bool { return t.ProvesInReturn && rec.Proof == "" }

// keepProof keeps what verify must be told. A proof that was asked about and not answered may have
// been the true one: another does not take its place before it was refused.
func keepProof(rec *payment.Record, proof string) (news bool) {
	known := rec.Proof != "" && (rec.Attempts.Unknown > 0 || rec.Attempts.Open)
	if proof == "" || proof == rec.Proof || len(proof) > payment.MaxProof || known {
		return false
	}
	rec.Proof = proof
	return true
}

// RelayProof keeps the proof of a customer's return to a relayed shop, for our own questions. It never
// takes the place of one that the shop has asked with and whose answer is still open. That it can't
// be kept holds up nobody: the shop's verify names it, too.
func (e *Engine) RelayProof(ctx context.Context, rec *payment.Record, proof string) {
	ctx = context.WithoutCancel(ctx)
	for range claimTries {
		next := rec.Clone()
		asked := next.Proof != "" && (next.State == payment.Verifying || next.State == payment.Unknown)
		if asked || next.State.Captured() || !keepProof(next, proof) || !errors.Is(e.commit(ctx, next, true), payment.ErrConflict) {
			return
		}
		fresh, err := e.Store.Get(ctx, rec.Ref)
		if err != nil {
			return
		}
		rec = fresh
	}
}
