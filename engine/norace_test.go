//go:build !race

package engine

// raceEnabled tells long tests to do less: the race detector makes them ten times
// slower.
const raceEnabled = false
