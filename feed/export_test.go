package feed

// LevelKey is the key of a level in the hub.
var LevelKey = levelKey
