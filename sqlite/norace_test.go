//go:build !race

package sqlite_test

// cutStep is every byte.
const cutStep = 1
