package admin

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"
)

// The certificate is good for exactly the names, signs nothing else, and is trusted by
// whoever trusts it alone.
func TestRelayCert(t *testing.T) {
	hosts := []string{"payment.example.com", "api.example.com"}
	now := time.Now()
	crt, key, err := makeRelayCert(hosts, now)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(crt, key)
	if err != nil {
		t.Fatal(err)
	}
	if c := pair.Leaf; c.IsCA || c.KeyUsage != 0 || !c.NotAfter.Equal(now.AddDate(5, 0, 0).Truncate(time.Second).UTC()) || len(c.DNSNames) != 2 {
		t.Errorf("%+v", c)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(crt)
	for name, good := range map[string]bool{"payment.example.com": true, "api.example.com": true, "example.com": false, "other.example.com": false} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{Roots: pool, DNSName: name}); (err == nil) != good {
			t.Errorf("%s: %v", name, err)
		}
	}
}
