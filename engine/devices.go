package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Buyer is the device of the browser that pressed Pay. It doesn't count.
const Buyer = ""

// Open looks whether a payment has paid for one of the items and was not reversed, and lets
// a device in if there is room for it (`require`). device is a hash; a known device counts
// once in 30 days. A test payment opens nothing once its provider is live. formerly are
// the site's former names.
func (e *Engine) Open(ctx context.Context, ref payment.Ref, site string, items []string, device string, most int, formerly ...string) (rec *payment.Record, room bool, err error) {
	for range claimTries {
		rec, err = e.Store.Get(ctx, ref)
		if err != nil {
			return nil, false, err
		}
		if !slices.Contains(names(site, formerly), rec.Site) || !rec.State.Captured() || !slices.Contains(items, rec.Expect.Item) || e.playMoney(rec) {
			return nil, false, payment.ErrNotFound
		}
		fresh, known := devices(rec, device, e.now())
		if known || device == Buyer {
			return rec, true, nil
		}
		if len(fresh) >= most {
			return rec, false, nil
		}
		rec.Devices = append(fresh, payment.Device{Hash: device, At: e.now()})
		// A device that another one overtook has not been let in: it looks again.
		if err = e.commit(ctx, rec, true); !errors.Is(err, payment.ErrConflict) {
			return rec, err == nil, err
		}
	}
	return rec, false, fmt.Errorf("counting a device: %w", err)
}

// devices returns the devices that still count, and whether one is among them.
func devices(rec *payment.Record, device string, now time.Time) (fresh []payment.Device, known bool) {
	for _, d := range rec.Devices {
		if now.Sub(d.At) < deviceSpan {
			fresh = append(fresh, d)
			known = known || d.Hash == device
		}
	}
	return fresh, known
}

// deviceSpan is how long a device counts.
const deviceSpan = 30 * 24 * time.Hour
