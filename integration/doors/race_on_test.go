//go:build race

package doors

// raceEnabled: the race detector makes everything ten times as slow.
const raceEnabled = true
