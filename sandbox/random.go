package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"math/big"

	"github.com/google/uuid"
)

func randomHex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails, by contract of crypto/rand
	return hex.EncodeToString(b)
}

// randomDigits never starts with zero, so that the text survives a client that
// reads it as a number.
func randomDigits(n int) string {
	limit := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n-1)), nil)
	span := new(big.Int).Mul(limit, big.NewInt(9))
	v, err := rand.Int(rand.Reader, span)
	if err != nil {
		v = new(big.Int)
	}
	return v.Add(v, limit).String()
}

func randomUUID() string { return uuid.NewString() }

// isUUID accepts the usual form only.
func isUUID(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil }

// testCards are the leading digits of cards that Iranian banks issue.
var testCards = []string{"603799", "589210", "627353", "502229", "622106", "610433"}

// fakeCard makes a card that nobody owns: masked, and hashed the way a
// provider hashes the full number.
func fakeCard() (masked, hashed string) {
	n, _ := rand.Int(rand.Reader, big.NewInt(int64(len(testCards))))
	return toldCard(testCards[n.Int64()] + randomDigits(10))
}

// toldCard returns what a provider tells of a card: its first six and last four
// digits, and a hash of the whole.
func toldCard(number string) (masked, hashed string) {
	sum := sha256.Sum256([]byte(number))
	return number[:6] + "******" + number[len(number)-4:], hex.EncodeToString(sum[:])
}

// fingerprint names a secret without keeping it.
func fingerprint(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:8])
}

// mask shows enough of a secret to recognise it.
func mask(secret string) string {
	if len(secret) < 12 {
		return "****"
	}
	return secret[:4] + "****"
}
