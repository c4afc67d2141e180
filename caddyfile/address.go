package caddyfile

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/rahgir/caddy-payments/internal/lookup"
	"github.com/rahgir/caddy-payments/internal/quote"
)

// orderSlot is the placeholder for the order in a look-up's address.
const orderSlot = "{order}"

// checkLookup says what is wrong with the address of a look-up. It checks the likely
// slips first, because it can name them better, and then asks [lookup] itself.
func checkLookup(raw string) error {
	bare := strings.ReplaceAll(raw, orderSlot, "order")
	u, err := url.Parse(bare)
	switch {
	case strings.ContainsAny(bare, "{}"):
		return fmt.Errorf("%s is the only placeholder that the address can have", orderSlot)
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		return fmt.Errorf("it must be an absolute address, such as https://shop.example.com/orders/%s", orderSlot)
	case u.User != nil:
		return errors.New("the address must not carry a user name or password: the key is sent by itself")
	case strings.Count(raw, orderSlot) != 1:
		return fmt.Errorf("%s must be once in the path or query of the address", orderSlot)
	}
	if _, err := lookup.New(raw, false); err != nil {
		return err
	}
	return nil
}

// checkTarget says what is wrong with the target of a redirect.
func checkTarget(to string) error {
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") {
		return nil
	}
	u, err := url.Parse(to)
	if err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" {
		return nil
	}
	if err == nil && u.Scheme == "" && !strings.HasPrefix(to, "/") && to != "" {
		if file := quote.File(to); file != "" {
			meant := "/" + file
			if _, ok := pathOfAddress(to); ok {
				meant = "https://" + file
			}
			return fmt.Errorf("'%s' must be a path or an absolute address: did you mean '%s'?", file, meant)
		}
	}
	return errors.New("it must be a path such as /cart or an address such as https://example.com/cart")
}
