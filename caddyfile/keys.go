package caddyfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/payment"
)

// kidForm limits the names of keys, because they are written into receipts' headers.
var kidForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

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
		if !kidForm.MatchString(key.KID) {
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
			return d.Errf("there is already a signing_key named '%s'", key.KID)
		}
	}
	*keys = append(*keys, key)
	return nil
}

// readPublicURL reads `public_url <url>`.
func readPublicURL(d *caddyfile.Dispenser, to *string) error {
	if err := block.Arg(d, to); err != nil {
		return err
	}
	if err := handlers.CheckPublicURL(*to); err != nil {
		return d.Errf("public_url %w, not '%s'", err, *to)
	}
	return nil
}

// readFormerly reads `formerly <origin>...`.
func readFormerly(d *caddyfile.Dispenser, to *[]string) error {
	names, err := block.Args(d)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := handlers.CheckPublicURL(name); err != nil {
			return d.Errf("formerly takes earlier addresses of this shop, each of which %w, not '%s'", err, name)
		}
		if slices.Contains(*to, name) {
			return d.Errf("formerly %s is already specified", name)
		}
		*to = append(*to, name)
	}
	return nil
}
