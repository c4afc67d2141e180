package operate

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// Imported is what became of a list of ids.
type Imported struct {
	Done  bool `json:"done"`
	Total int  `json:"total"`
	// New is how many were not known before.
	New int `json:"new"`
}

const maxID = 128

// Import reserves the receipts of ids that were used before this ledger began,
// so that none of them pays again. Nothing is reserved if one id is malformed.
func Import(ctx context.Context, e *engine.Engine, issuer string, ids []string, dryRun bool) (Imported, error) {
	keys := make([]payment.Key, 0, len(ids))
	for i, id := range ids {
		if err := checkID(id); err != nil {
			return Imported{}, input("id %d: %v", i+1, err)
		}
		keys = append(keys, payment.ReceiptKey(issuer, id))
	}
	out := Imported{Total: len(ids)}
	if dryRun {
		seen := make(map[payment.Key]bool, len(keys))
		for _, k := range keys {
			if _, err := e.Store.Holder(ctx, k); errors.Is(err, payment.ErrNotFound) && !seen[k] {
				out.New++
			} else if err != nil && !errors.Is(err, payment.ErrNotFound) {
				return out, translate(err)
			}
			seen[k] = true
		}
		return out, nil
	}
	n, err := e.Store.Reserve(ctx, keys)
	if err != nil {
		return out, translate(err)
	}
	// Some providers do not tell upper from lower case: there a receipt's number
	// is its id in lower case, so that it cannot be spent again in another one.
	numbers := make([]payment.Key, 0, len(ids))
	for _, id := range ids {
		numbers = append(numbers, payment.NumberKey(issuer, strings.ToLower(id)))
	}
	if _, err := e.Store.Reserve(ctx, numbers); err != nil {
		return out, translate(err)
	}
	out.Done, out.New = true, n
	return out, nil
}

func checkID(id string) error {
	if id == "" || len(id) > maxID || !utf8.ValidString(id) {
		return errors.New("an id has 1 to 128 bytes")
	}
	for _, r := range id {
		if r <= ' ' || r == 0x7f || r == ',' || r == ';' || r == '"' {
			return errors.New("an id has no spaces, commas or quotes; is this a table? choose the column")
		}
	}
	return nil
}
