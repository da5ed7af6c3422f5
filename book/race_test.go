//go:build race

package book

// raceEnabled makes long tests do less: the race detector makes them ten times slower.
const raceEnabled = true
