// Package engine decides what happens on the venue: the order books, positions
// and limits, and the single writer that changes them.
package engine
