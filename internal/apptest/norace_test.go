//go:build !race

package apptest_test

// raceEnabled reports whether the race detector is on.
const raceEnabled = false
