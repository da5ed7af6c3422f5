package engine

// RaceEnabled is for tests outside of the package.
const RaceEnabled = raceEnabled
