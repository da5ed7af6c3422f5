// Package trade is the vocabulary of the venue: prices and quantities, orders
// and trades, the commands that ask for a change, the events that say one
// happened, and the reasons why one was refused.
//
// The words are those of FIX 5.0 SP2. The package has no I/O, no clock, no
// randomness and no floating point: time and identifiers arrive from outside,
// money is integer. All types are plain values; none is safe for concurrent
// mutation, all are safe for concurrent reading.
package trade
