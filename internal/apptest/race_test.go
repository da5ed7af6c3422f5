//go:build race

package apptest_test

// raceEnabled reports whether the race detector is on, which makes everything several times
// as slow.
const raceEnabled = true
