package wire

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"sync"
)

// accountKey is made anew by each process, so that what AccountID returns can't
// be tried against guesses by whoever gets to see it.
var accountKey = sync.OnceValue(func() []byte {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // never fails
	return key
})

// AccountID tells whose account this secret opens from those of other secrets,
// for [payment.Accounted]; "" where there is no secret. Blanks around it don't
// count: they don't get as far as the provider.
func (s Secret) AccountID() string {
	if s.text == nil {
		return ""
	}
	mac := hmac.New(sha256.New, accountKey())
	mac.Write([]byte(strings.TrimSpace(*s.text)))
	return hex.EncodeToString(mac.Sum(nil))
}
