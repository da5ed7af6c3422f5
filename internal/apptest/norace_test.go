//go:build !race

package apptest_test

// raceEnabled says that the race detector is on.
const raceEnabled = false
