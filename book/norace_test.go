//go:build !race

package book

// raceEnabled tells long tests to do less: the race detector makes them ten times
// slower.
const raceEnabled = false
