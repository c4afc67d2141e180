package caddyfile

import (
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/payment"
)

// readSigningKey reads `signing_key <secret> [<kid>]`, of a site's block or of
// the global one, and adds it to keys. Errors never show the secret.
func readSigningKey(d *caddyfile.Dispenser, keys *[]handlers.SigningKey) error {
	args := d.RemainingArgs()
	if len(args) == 0 || len(args) > 2 || args[0] == "" {
		return d.Err("signing_key takes a secret, written {env.NAME} or {file./path}, and at most a name for it")
	}
	key := handlers.SigningKey{Secret: args[0]}
	if len(args) == 2 {
		key.KID = args[1]
		if !nameForm.MatchString(key.KID) {
			return d.Err("the name of a signing_key is up to 64 letters, digits and any of '._-'")
		}
	}
	// A placeholder's value is only known, and checked, when it is provisioned.
	if !strings.Contains(key.Secret, "{") && len(key.Secret) < payment.MinSecret {
		return d.Errf("signing_key is %d bytes long and must be at least %d; `openssl rand -hex 32` makes a good one", len(key.Secret), payment.MinSecret)
	}
	for _, k := range *keys {
		if k.Secret == key.Secret {
			return d.Err("this signing_key is already specified")
		}
		if key.KID != "" && k.KID == key.KID {
			return d.Errf("%s is there already", quote.Called("signing_key", key.KID))
		}
	}
	*keys = append(*keys, key)
	return nil
}

// publicURL reads `public_url <url>`.
func publicURL(to *string) block.Option {
	return block.Text("public_url", to, func(d *caddyfile.Dispenser, url string) error {
		if err := handlers.CheckPublicURL(url); err != nil {
			return d.Errf("public_url %w", err)
		}
		return nil
	})
}

// formerly reads `formerly <origin>...`.
func formerly(to *[]string) block.Option {
	return block.Each("formerly", to, func(d *caddyfile.Dispenser, origin string) error {
		if err := handlers.CheckPublicURL(origin); err != nil {
			return d.Errf("formerly takes earlier addresses of this shop, each of which %w", err)
		}
		return nil
	})
}
