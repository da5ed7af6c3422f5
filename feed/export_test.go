package feed

// LevelKey is how the hub tells levels apart.
var LevelKey = levelKey
