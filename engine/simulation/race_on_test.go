//go:build race

package simulation

// raceEnabled: the race detector makes everything ten times as slow.
const raceEnabled = true
