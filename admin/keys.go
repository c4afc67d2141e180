package admin

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/internal/secret"
	"github.com/rahgir/caddy-payments/payment"
)

// ShopKeys are the keys of one secret that a shop needs.
type ShopKeys struct {
	// Where names the sites that the key is for; empty for a secret that came
	// from a flag.
	Where string `json:"where,omitempty"`
	KID   string `json:"kid"`
	// Signs is whether it is the first of its place: the one that signs.
	Signs   bool   `json:"signs"`
	Return  string `json:"return"`
	Receipt string `json:"receipt"`
	// Lookup is the bearer that the shop is asked with; it signs nothing.
	Lookup string `json:"lookup"`
}

func (c *cli) keysCommand() *cobra.Command {
	cmd := c.reads(c.leaf("keys", "Prints the keys that a shop needs to sign returns and to check receipts",
		`
Derives from each signing_key the keys that a shop needs: "return" signs
return addresses, "receipt" checks the receipts that come with verified
requests, "lookup" is the bearer that a shop is asked with (expect lookup) and
signs nothing. The secret itself stays with Caddy.

The secret is taken from --secret-file (- is standard input), from the
environment variable --env, or from every signing_key of the configuration
(--config, by default the Caddyfile here); placeholders are resolved here, so
run it with the environment and as the user of the server. No running Caddy is
asked.`,
		exactly(0, "no arguments, only flags"), c.keys))
	cmd.Flags().String("secret-file", "", "File that holds the secret; - is standard input")
	cmd.Flags().String("env", "", "Environment variable that holds the secret")
	cmd.Flags().String("kid", "", "Name of the key, if the configuration gives one; with --secret-file or --env")
	return cmd
}

func (c *cli) keys(cmd *cobra.Command, _ []string) error {
	file, _ := cmd.Flags().GetString("secret-file")
	env, _ := cmd.Flags().GetString("env")
	kid, _ := cmd.Flags().GetString("kid")
	given := slices.DeleteFunc([]string{file, env, c.config}, func(s string) bool { return s == "" })
	if len(given) > 1 {
		return usage("choose one of --secret-file, --env and --config")
	}
	var keys []ShopKeys
	var err error
	switch {
	case file != "":
		keys, err = c.keysOfFile(file, kid)
	case env != "":
		secret, ok := os.LookupEnv(env)
		if !ok {
			return fmt.Errorf("the environment variable %s is not set", env)
		}
		keys, err = derive("", kid, secret, true)
	default:
		keys, err = keysOfConfig(c.config, c.adapter)
	}
	if err != nil {
		return err
	}
	if !c.table() {
		return c.printJSON(keys)
	}
	for i, k := range keys {
		if i > 0 {
			fmt.Fprintln(c.out)
		}
		head := "key " + k.KID
		if k.Where != "" {
			head += " of " + k.Where
		}
		if !k.Signs {
			head += " (verifies only)"
		}
		fmt.Fprintf(c.out, "%s\n  return   %s\n  receipt  %s\n  lookup   %s\n", head, k.Return, k.Receipt, k.Lookup)
	}
	return nil
}

// maxSecret is the largest file that Caddy's `{file.…}` reads. A part of a larger one would
// make keys that no server has.
const maxSecret = 1 << 20

func (c *cli) keysOfFile(name, kid string) ([]ShopKeys, error) {
	in, err := c.input(name, "the secret")
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, maxSecret+1))
	if err != nil {
		return nil, fmt.Errorf("reading the secret: %w", err)
	}
	if len(b) > maxSecret {
		return nil, usage("%s has more than %d KiB, of which Caddy reads nothing: name the file with the secret alone", name, maxSecret>>10)
	}
	return derive("", kid, string(b), true)
}

// derive makes the keys of one secret; like the server it drops the line's end
// of a file.
func derive(where, kid, secret string, signs bool) ([]ShopKeys, error) {
	key, err := payment.NewSigningKey([]byte(strings.TrimRight(secret, "\r\n")), kid)
	if err != nil {
		return nil, err
	}
	out := ShopKeys{Where: where, KID: key.KID, Signs: signs}
	for purpose, into := range map[payment.Purpose]*string{payment.PurposeReturn: &out.Return, payment.PurposeReceipt: &out.Receipt, payment.PurposeLookup: &out.Lookup} {
		b, err := key.Derive(purpose)
		if err != nil {
			return nil, err
		}
		*into = string(b)
	}
	return []ShopKeys{out}, nil
}

func keysOfConfig(file, adapter string) ([]ShopKeys, error) {
	config, used, _, err := caddycmd.LoadConfig(file, adapter)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if len(config) == 0 {
		return nil, usage("there is no Caddyfile here: use --config, --secret-file or --env")
	}
	found, err := findKeys(config)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", used, err)
	}
	if len(found) == 0 {
		return nil, errors.New("the configuration has no signing_key: without one the server keeps its own, which no shop can share")
	}
	var keys []ShopKeys
	for _, k := range found {
		text, err := secret.Expand("signing_key of "+k.where, k.secret)
		if err != nil {
			return nil, err
		}
		derived, err := derive(k.where, k.kid, text, k.first)
		if err != nil {
			return nil, fmt.Errorf("signing_key of %s: %w", k.where, err)
		}
		keys = append(keys, derived...)
	}
	return keys, nil
}

// configured is one signing_key as it stands in a configuration.
type configured struct {
	where, secret, kid string
	first              bool
}

// findKeys finds the app's keys and those of every site in a JSON
// configuration.
func findKeys(config []byte) ([]configured, error) {
	var root struct {
		Apps map[string]any `json:"apps"`
	}
	if err := json.Unmarshal(config, &root); err != nil {
		return nil, errors.New("it is no Caddy configuration")
	}
	return append(keysOf(root.Apps["payments"], "all sites"), walkKeys(root.Apps["http"], nil)...), nil
}

func walkKeys(v any, hosts []string) []configured {
	var keys []configured
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			keys = append(keys, walkKeys(x, hosts)...)
		}
	case map[string]any:
		if here := hostsOf(v); len(here) > 0 {
			hosts = here
		}
		if v["handler"] == "payments" {
			keys = append(keys, keysOf(v, cmp.Or(strings.Join(hosts, ", "), "a site without a name"))...)
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			keys = append(keys, walkKeys(v[name], hosts)...)
		}
	}
	return keys
}

// hostsOf are the hosts that a route matches.
func hostsOf(route map[string]any) []string {
	var hosts []string
	sets, _ := route["match"].([]any)
	for _, set := range sets {
		matchers, _ := set.(map[string]any)
		names, _ := matchers["host"].([]any)
		for _, n := range names {
			if s, ok := n.(string); ok {
				hosts = append(hosts, s)
			}
		}
	}
	return hosts
}

func keysOf(v any, where string) []configured {
	m, _ := v.(map[string]any)
	list, _ := m["signing_keys"].([]any)
	var keys []configured
	for i, x := range list {
		k, _ := x.(map[string]any)
		secret, _ := k["secret"].(string)
		kid, _ := k["kid"].(string)
		keys = append(keys, configured{where, secret, kid, i == 0})
	}
	return keys
}
