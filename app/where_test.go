package app

import (
	"testing"

	"go.uber.org/zap/zapcore"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/loopback"
	"github.com/rahgir/caddy-payments/payment"
)

// Only a trial says where to look: see sayWhere.
func TestOnlyThisMachineIsATrial(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LOCALHOST": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true,
		"": false, "api.idpay.ir": false, "10.0.0.1": false, "localhost.example.com": false, "0.0.0.0": false,
	} {
		if loopback.Is(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}

// A shop that proves nothing has to be looked at by somebody; one that is away comes
// back by itself.
func TestMissingProofIsAWarning(t *testing.T) {
	for reason, want := range map[payment.Reason]zapcore.Level{payment.ReasonNoProof: zapcore.WarnLevel, payment.ReasonUnreachable: zapcore.InfoLevel} {
		if got := levelOf(engine.Event{Name: engine.EventMissed, Record: &payment.Record{Reason: reason}}); got != want {
			t.Errorf("%s: %v, want %v", reason, got, want)
		}
	}
}
