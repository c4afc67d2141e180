//go:build !failpoints

package failpoint

import "context"

// Hit is a place that the process passes.
func Hit(Place) {}

// Sent makes a place of the moment at which a request that is made with the
// context has been written.
func Sent(ctx context.Context, _ Place) context.Context { return ctx }
