package engine

import "context"

// Turn is called before work for somebody who has proved nothing. It returns soon, also if
// its turn hasn't come. leave must be called when the work is done.
type Turn func(context.Context) (leave func())

// take waits for a turn, if there are turns.
func (t Turn) take(ctx context.Context) (leave func()) {
	if t == nil {
		return func() {}
	}
	return t(ctx)
}
