package wire

import (
	"strings"
	"testing"
)

func TestAccountID(t *testing.T) {
	one, again, other := NewSecret(canary), NewSecret(canary+" "), NewSecret(canary+"2")
	if one.AccountID() == "" || one.AccountID() != again.AccountID() || one.AccountID() == other.AccountID() {
		t.Error("accounts are not told apart by their secrets")
	}
	if (Secret{}).AccountID() != "" {
		t.Error("there is no account without a secret")
	}
	if strings.Contains(one.AccountID(), canary) {
		t.Error("it shows the secret")
	}
}
