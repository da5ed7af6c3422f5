//go:build race

package engine

// raceEnabled makes long tests do less: the race detector makes them ten times slower.
const raceEnabled = true
