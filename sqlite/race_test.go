//go:build race

package sqlite_test

// cutStep thins the cuts out under the race detector, in which SQLite itself
// runs some fifteen times slower and finds nothing new.
const cutStep = 7
